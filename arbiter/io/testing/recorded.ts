import { readFileSync } from "node:fs";
import type { Fields } from "#lib/remoting/header.ts";

/** One frame of a real peer. */
export interface Recorded {
  readonly label: string | undefined;
  readonly link: string;
  readonly dir: string;
  readonly code: number;
  readonly opaque: number;
  readonly isAnswer: boolean;
  readonly remark: string | undefined;
  readonly fields: Fields;
  readonly body: string;
}

interface Line {
  readonly label?: string;
  readonly link?: string;
  readonly dir?: string;
  readonly header?: {
    readonly code: number;
    readonly opaque: number;
    readonly flag: number;
    readonly remark?: string;
    readonly extFields?: Fields;
  };
  readonly body?: string;
}

/** @source stock brokers and controller 5.3.3: the fixture's first line tells of it */
export function readRecorded(): Recorded[] {
  const file = new URL("../../../test/fixtures/frames/rocketmq-controller-5.3.jsonl", import.meta.url);
  const recorded: Recorded[] = [];
  for (const text of readFileSync(file, "utf8").trim().split("\n")) {
    const { label, link = "", dir = "", header, body = "" } = JSON.parse(text) as Line;
    if (header === undefined) continue;
    const { code, opaque, flag, remark, extFields: fields = {} } = header;
    recorded.push({ label, link, dir, code, opaque, isAnswer: (flag & 1) === 1, remark, fields, body });
  }
  return recorded;
}

export interface Conversation {
  readonly label: string;
  readonly asked: Recorded;
  readonly answered: Recorded;
}

/** What a script asked a stock controller, and what it was answered, by label. */
export function readConversations(): Conversation[] {
  const recorded = readRecorded().filter(({ link }) => link === "controller");
  const conversations = [];
  for (const asked of recorded) {
    const { label } = asked;
    if (label === undefined || asked.isAnswer || asked.dir !== "broker->controller") continue;
    const answered = recorded.find((each) => each.label === label && each.isAnswer);
    if (answered !== undefined) conversations.push({ label, asked, answered });
  }
  return conversations;
}

/** What stock brokers asked a stock controller, and what they were answered; labels tell how many came before of the same code. */
export function readConversationsOfBrokers(): Conversation[] {
  const recorded = readRecorded().filter(({ link, label }) => link === "controller" && label === undefined);
  const seen = new Map<number, number>();
  return recorded.flatMap((asked, index) => {
    const { code, opaque, dir } = asked;
    if (asked.isAnswer || dir !== "broker->controller") return [];
    const answered = recorded.slice(index).find((each) => each.isAnswer && each.opaque === opaque);
    if (answered === undefined) return [];
    const nth = (seen.get(code) ?? 0) + 1;
    seen.set(code, nth);
    return [{ label: `${code}, number ${nth}`, asked, answered }];
  });
}
