import { describe, expect, test } from "vitest";
import { type LinkConfig, replicatorSchema } from "#config/replicator.ts";
import { checkLinks } from "./links.ts";

type LinkInput = {
  name: string;
  from: string;
  to: string;
  rules: Record<string, string>[];
  chroots?: [source: string | undefined, target: string | undefined];
  clusters?: Record<string, { to: string }>;
  unmapped?: string;
};

/** Ensembles are named by one server. */
function links(...inputs: LinkInput[]): readonly LinkConfig[] {
  const ensemble = (server: string, chroot: string | undefined) => ({
    servers: [`${server}:2181`],
    ...(chroot === undefined ? {} : { chroot }),
  });
  return replicatorSchema.parse({
    site: "idc2",
    links: inputs.map(({ from, to, chroots = [undefined, undefined], ...rest }) => ({
      ...rest,
      kind: "zookeeper",
      source: ensemble(from, chroots[0]),
      target: ensemble(to, chroots[1]),
    })),
  }).links;
}

const problemsOf = (...inputs: LinkInput[]) =>
  checkLinks(links(...inputs)).map(({ link, path, message }) => `${link} ${path.join(".")}: ${message}`);
const copy = (match: string, to = match) => ({ match, to });
const there = (...rules: Record<string, string>[]) => ({ name: "there", from: "e1", to: "e2", rules });
const back = (...rules: Record<string, string>[]) => ({ name: "back", from: "e2", to: "e1", rules });
const within = (...rules: Record<string, string>[]) => ({ name: "within", from: "e1", to: "e1", rules });

describe("a link within one ensemble", () => {
  test("must not write into what it reads", () => {
    expect(problemsOf(within(copy("/a/**", "/a/b/**")))).toEqual([
      '0 rules.0.to: writes into what the link itself reads: "/a/b/any2" would be copied again and again',
    ]);
    expect(problemsOf(within(copy("/a/{x}", "/a/copy-{x}")))).toEqual([
      '0 rules.0.to: writes into what the link itself reads: "/a/copy-any1" would be copied again and again',
    ]);
    expect(problemsOf(within(copy("/a/{x}")))).toHaveLength(1);
  });

  test("may write elsewhere, or where an earlier rule ignores it", () => {
    expect(problemsOf(within(copy("/a/**", "/b/**")))).toEqual([]);
    expect(problemsOf(within({ match: "/a/b/**", action: "ignore" }, copy("/a/**", "/a/b/**")))).toEqual([]);
  });

  test("may hand on what it wrote, as long as that ends", () => {
    expect(problemsOf(within(copy("/a/{x}", "/b/{x}"), copy("/b/{x}", "/c/{x}")))).toEqual([]);
  });
});

describe("links over several ensembles", () => {
  test("must not copy a path there and back", () => {
    expect(problemsOf(there(copy("/a/**")), back(copy("/{x}/{y}")))).toEqual([
      '0 rules.0.to: writes what comes back through other links: "/a/any1" would go round for ever',
      '1 rules.0.to: writes what comes back through other links: "/a/any1" would go round for ever',
    ]);
  });

  test("must not send it round by way of a third", () => {
    const onwards = { name: "onwards", from: "e2", to: "e3", rules: [copy("/b/{x}", "/c/{x}")] };
    const home = { name: "home", from: "e3", to: "e1", rules: [copy("/c/{x}", "/a/{x}")] };
    expect(problemsOf(there(copy("/a/{x}", "/b/{x}")), onwards, home)).toHaveLength(3);
    expect(problemsOf(there(copy("/a/{x}", "/b/{x}")), onwards)).toEqual([]);
  });

  test("may carry different paths in different directions", () => {
    expect(problemsOf(there(copy("/a/**")), back(copy("/b/**")))).toEqual([]);
    expect(problemsOf(there(copy("/a/{x}")), back(copy("/a/{x}/{y}")))).toEqual([]);
  });

  test("must not map clusters there and back", () => {
    const rules = [copy("/c/{x}", "/c/{x:clusters}")];
    const mapped = { ...there(...rules), clusters: { c1: { to: "c2" } } };
    expect(problemsOf(mapped, { ...back(...rules), clusters: { c2: { to: "c1" } } })).toHaveLength(2);
    expect(problemsOf(mapped, { ...back(...rules), clusters: { c9: { to: "c1" } } })).toEqual([]);
  });

  test("are on one ensemble when they share a server, whatever their chroots", () => {
    expect(problemsOf(there(copy("/a/b/{x}")), { ...back(copy("/b/{x}")), chroots: ["/a", "/a"] })).toHaveLength(2);
    expect(problemsOf(there(copy("/a/b/{x}")), { ...back(copy("/b/{x}")), chroots: ["/z", "/z"] })).toEqual([]);
  });
});

describe("two links into one ensemble", () => {
  const other = (...rules: Record<string, string>[]) => ({ name: "other", from: "e3", to: "e2", rules });

  test("must not write the same paths", () => {
    expect(problemsOf(there(copy("/a/**")), other(copy("/b/{x}"), copy("/x/{y}", "/a/{y}/z")))).toEqual([
      '1 rules.1.to: writes paths that link "there" writes too (its rule 0), for example "/a/any1/z"',
    ]);
  });

  test("may write paths side by side", () => {
    expect(problemsOf(there(copy("/a/{x}")), other(copy("/b/{x}"), copy("/a/{x}/{y}")))).toEqual([]);
    expect(problemsOf(there(copy("/a/{x}")), { ...other(copy("/a/{x}")), chroots: [undefined, "/c"] })).toEqual([]);
  });

  test("must not, when one sees them below a chroot", () => {
    expect(problemsOf(there(copy("/a/b/{x}")), { ...other(copy("/b/{x}")), chroots: [undefined, "/a"] })).toHaveLength(
      1,
    );
  });
});

test("links whose own rules are wrong are left to their own check", () => {
  expect(problemsOf(within(copy("/a/{x}", "/a/{y}")))).toEqual([]);
});
