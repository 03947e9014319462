import { z } from "zod";
import { nearest } from "#lib/nearest.ts";
import { type FaultAt, faultsOf, valueAt } from "./issues.ts";
import { type ConfigPath, type Fault, formatPath, quoted } from "./problems.ts";
import type { Schema } from "./schema.ts";
import { valuesMax } from "./yaml.ts";

/**
 * Links that are a template and what differs: `template: NAME` takes the keys of `templates.NAME`; keys of the link itself go
 * in front, mapping by mapping; `${word}` in a text of the template becomes what the link's `with` says.
 */
export interface WrittenOut {
  /** The config with each link whole, and without templates. */
  readonly value: unknown;
  readonly found: readonly FaultAt[];
  readonly cautions: readonly Fault[];
  /** Puts what is said of a whole link to where the operator wrote it. None if it only follows from what is in `found`. */
  relocate(at: FaultAt): readonly FaultAt[];
}

type Mapping = Readonly<Record<string, unknown>>;

/** A link of a template, before and after. */
interface Use {
  readonly template: string;
  readonly own: Mapping;
  readonly body: Mapping;
  readonly whole: Mapping;
}

/** Pure. Configs of schemas without `templates` stay as they are. */
export function writeOut(schema: Schema, value: unknown): WrittenOut {
  if (!knowsTemplates(schema) || !isMapping(value)) return asWritten(value);
  const { templates, ...rest } = value;
  const known = isMapping(templates) ? templates : {};
  const used = new Set<string>();
  const faults: FaultAt[] = [];
  const cautions: Fault[] = [];
  const uses = new Map<number, Use>();
  const unclear = new Set<number>();
  let size = 0;

  const written: readonly unknown[] = Array.isArray(value["links"]) ? value["links"] : [];
  const links = written.map((link, index): unknown => {
    if (!isMapping(link)) return link;
    const { template, with: words, ...own } = link;
    if (template === undefined) {
      if (words !== undefined)
        faults.push(fault(["links", index, "with"], "has no meaning without template", "remove it"));
      return own;
    }
    const body = typeof template === "string" && Object.hasOwn(known, template) ? known[template] : undefined;
    if (typeof template === "string") used.add(template);
    if (typeof template === "string" && body === undefined && (templates === undefined || isMapping(templates)))
      faults.push(
        fault(["links", index, "template"], "names no template", whichTemplate(template, Object.keys(known))),
      );
    if (typeof template !== "string" || !isMapping(body) || !areWords(words)) {
      unclear.add(index);
      return link;
    }
    if (size <= valuesMax) size += sizeOf(body);
    if (size > valuesMax) {
      unclear.add(index);
      faults.push(fault(["links", index], `is one too many: more than ${valuesMax} values in all`, "use fewer"));
      return link;
    }
    const filled = fillIn(body, words ?? {});
    for (const { word, path } of filled.unknown) {
      const asked = formatPath(["templates", template, ...path]);
      faults.push(fault(["links", index, "with"], `has no word ${quoted(word)}`, `add it: ${asked} asks for it`));
    }
    for (const path of filled.keys) {
      const message = "has a word in a key";
      const at = { path: ["templates", template, ...path], message, remedy: "write the mapping in the links" };
      faults.push({ fault: at, anchor: "key" });
    }
    for (const word of Object.keys(words ?? {})) {
      if (filled.used.has(word)) continue;
      cautions.push({
        path: ["links", index, "with", word],
        message: `stands nowhere in ${template}`,
        remedy: "remove it",
      });
    }
    const whole = merge(filled.value as Mapping, own);
    uses.set(index, { template, own, body, whole });
    return whole;
  });
  for (const name of Object.keys(known)) {
    if (used.has(name)) continue;
    cautions.push({
      path: ["templates", name],
      message: "is used by no link",
      remedy: "remove it, or name it in a link",
    });
  }
  if (isMapping(templates)) faults.push(...templateFaults(schema.shape.templates, templates));
  return {
    value: {
      ...rest,
      ...(written.length > 0 ? { links } : {}),
      ...(templates === undefined || isMapping(templates) ? {} : { templates }),
    },
    found: faults,
    cautions,
    relocate(at) {
      const [list, index, ...path] = at.fault.path;
      if (list !== "links" || typeof index !== "number") return [at];
      if (path[0] === "template" || path[0] === "with") return [at];
      if (unclear.has(index)) return [];
      const use = uses.get(index);
      return [use === undefined ? at : relocateUse(use, at, path)];
    },
  };
}

function knowsTemplates(schema: Schema): schema is z.ZodObject<{ templates: z.ZodType }> {
  return schema instanceof z.ZodObject && Object.hasOwn(schema.shape, "templates");
}

function asWritten(value: unknown): WrittenOut {
  return { value, found: [], cautions: [], relocate: (at) => [at] };
}

function fault(path: ConfigPath, message: string, remedy: string): FaultAt {
  return { fault: { path, message, remedy }, anchor: "value" };
}

/** What is wrong in the templates as they stand, used or not. What they leave out or leave to words is seen in the links. */
function templateFaults(schema: Schema, templates: Mapping): FaultAt[] {
  const parsed = z.safeParse(schema, templates);
  if (parsed.success) return [];
  const issues = parsed.error.issues.filter(({ code, path }) => {
    const value = valueAt(templates, path);
    if (value === undefined) return false;
    // Words make a text of a text, never anything else.
    if (typeof value === "string" && hasWord(value) && code !== "invalid_type") return false;
    return code !== "custom" || typeof value !== "object";
  });
  return faultsOf(issues, schema, templates).map(({ fault: { path, ...told }, anchor }) => ({
    fault: { ...told, path: ["templates", ...path] },
    anchor,
  }));
}

function whichTemplate(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  if (meant !== undefined) return `did you mean ${meant}?`;
  return known.length === 0 ? "write it under templates" : `one of: ${known.join(", ")}`;
}

const wordForm = /\$\{([^}]*)\}/g;

function hasWord(text: string): boolean {
  return text.search(wordForm) >= 0;
}

interface FilledIn {
  readonly value: unknown;
  readonly used: Set<string>;
  readonly unknown: readonly { readonly word: string; readonly path: ConfigPath }[];
  /** Keys with a word in them, where it means nothing. */
  readonly keys: readonly ConfigPath[];
}

function fillIn(body: Mapping, words: Readonly<Record<string, string>>): FilledIn {
  const used = new Set<string>();
  const unknown: { word: string; path: ConfigPath }[] = [];
  const keys: ConfigPath[] = [];
  const fill = (text: string, path: ConfigPath): string =>
    text.replaceAll(wordForm, (written, word: string) => {
      const replacement = Object.hasOwn(words, word) ? words[word] : undefined;
      if (replacement === undefined) unknown.push({ word, path });
      used.add(word);
      return replacement ?? written;
    });
  const walk = (value: unknown, path: ConfigPath): unknown => {
    if (typeof value === "string") return fill(value, path);
    if (Array.isArray(value)) return value.map((one, index) => walk(one, [...path, index]));
    if (!isMapping(value)) return value;
    for (const key of Object.keys(value)) if (hasWord(key)) keys.push([...path, key]);
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, walk(one, [...path, key])]));
  };
  return { value: walk(body, []), used, unknown, keys };
}

/** `own` in front; where both have a mapping, key by key. */
function merge(base: Mapping, own: Mapping): Mapping {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(own)) {
    const below = base[key];
    merged[key] = isMapping(value) && isMapping(below) ? merge(below, value) : value;
  }
  return merged;
}

function relocateUse({ template, own, body, whole }: Use, at: FaultAt, path: ConfigPath): FaultAt {
  if (!stemsFromTemplate(own, body, path)) return at;
  const { message, remedy } = at.fault;
  const written = valueAt(body, path);
  const filled = valueAt(whole, path);
  const isFilled = typeof written === "string" && typeof filled === "string" && hasWord(written);
  const said = isFilled ? `is ${quoted(filled)} in link ${String(whole["name"])}, which ${message}` : message;
  return { ...at, fault: { path: ["templates", template, ...path], message: said, remedy } };
}

/** Whose is the value at this path? What neither has is missing in the template, except for the name. */
function stemsFromTemplate(own: Mapping, body: Mapping, path: ConfigPath): boolean {
  let [mine, theirs]: unknown[] = [own, body];
  for (const segment of path) {
    const [my, their] = [valueAt(mine, [segment]), valueAt(theirs, [segment])];
    if (my !== undefined && !(isMapping(my) && isMapping(their))) return false;
    if (my === undefined) return their !== undefined || segment !== "name";
    [mine, theirs] = [my, their];
  }
  return false;
}

function areWords(value: unknown): value is Readonly<Record<string, string>> | undefined {
  return value === undefined || (isMapping(value) && Object.values(value).every((word) => typeof word === "string"));
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sizeOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((sum, child) => sum + sizeOf(child), 1);
}
