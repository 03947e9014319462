import type { SourceFile } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";

/** Syntax trees of the files of a project. @param config its tsconfig.json */
export function withSyntax<Result>(config: string, use: (treeOf: (file: string) => SourceFile) => Result): Result {
  const api = new API();
  try {
    const program = api.updateSnapshot({ openProjects: [config] }).getProject(config)?.program;
    return use((file) => {
      const source = program?.getSourceFile(file);
      if (source === undefined) throw new Error(`TypeScript gives no syntax tree of ${file}: is it one of ${config}?`);
      return source;
    });
  } finally {
    api.close();
  }
}
