import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess } from "./process.ts";

const opensslMsMax = 20_000;

/** A throw-away authority, and what it signed for 127.0.0.1. All PEM. */
export interface Certificates extends AsyncDisposable {
  readonly files: {
    readonly ca: string;
    /** Certificate and key in one file. */
    readonly server: string;
  };
  readonly client: { readonly ca: string; readonly cert: string; readonly key: string };
}

export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-certificates-"));
  const file = (name: string) => join(folder, name);
  await openssl(folder, [
    "req",
    "-x509",
    ...newKey("ca"),
    "-out",
    "ca.pem",
    "-days",
    "1",
    "-subj",
    "/CN=test authority",
  ]);
  await writeFile(file("names"), "subjectAltName=IP:127.0.0.1\n");
  for (const name of ["server", "client"]) await sign(folder, name);
  const text = (name: string) => readFile(file(name), "utf8");
  await writeFile(file("server.pem"), (await text("server.crt")) + (await text("server.key")));
  return {
    files: { ca: file("ca.pem"), server: file("server.pem") },
    client: { ca: await text("ca.pem"), cert: await text("client.crt"), key: await text("client.key") },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function sign(folder: string, name: string): Promise<void> {
  await openssl(folder, ["req", "-new", ...newKey(name), "-out", `${name}.csr`, "-subj", `/CN=${name}`]);
  const authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "1"];
  await openssl(folder, ["x509", "-req", "-in", `${name}.csr`, ...authority, "-out", `${name}.crt`]);
}

function newKey(name: string): string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${name}.key`];
}

async function openssl(folder: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProcess("openssl", args, { cwd: folder, timeoutMs: opensslMsMax });
  if (code !== 0) throw new Error(`openssl ${args.join(" ")} ended with ${code}: ${stderr}`);
}
