import type { ControllerAnswer } from "./controller-messages.ts";
import type { BrokerId, Freeze, SetRecord } from "./model.ts";
import { usualPolicy } from "./policy-forms.ts";
import type { Judgement, RequestContext } from "./requests.ts";
import { heldSet } from "./site.fixture.ts";

/** What a request is judged by, for tests: C1/bs1 of epoch 7, master 1; 1 and 3 are in idc1, 2 is in idc2. Everybody is alive, nothing is open. */
export function contextOf(changes: Partial<RequestContext> = {}): RequestContext {
  return {
    cluster: "C1",
    set: "bs1",
    record: heldSet,
    restored: false,
    unrecorded: () => [],
    caller: null,
    mayBeTold: () => true,
    waitsForRoute: () => false,
    undecided: false,
    askedEpoch: null,
    isAlive: () => true,
    idcOf: (id) => (id % 2 === 1 ? "idc1" : "idc2"),
    degradingMs: 0,
    policy: usualPolicy,
    ...changes,
  };
}

export const frozenAs = (code: Freeze["code"]): SetRecord => ({
  ...heldSet,
  frozen: { code, reason: "for this test", at: 1, until: null },
});

export const without = (record: SetRecord, gone: BrokerId): SetRecord => ({
  ...record,
  replicas: Object.fromEntries(Object.entries(record.replicas).filter(([id]) => Number(id) !== gone)),
});

/** What is refused, and goes out at once: code and remark, as a broker reads them. */
export function refusalIn(judgement: Judgement): { readonly code: number; readonly remark: string } | Judgement {
  if (judgement.kind !== "answer" || judgement.answer.kind !== "refused") return judgement;
  const { code, remark } = judgement.answer;
  return { code, remark };
}

export function answerIn(judgement: Judgement): ControllerAnswer {
  if (!("answer" in judgement)) throw new Error(`there is no answer yet: ${judgement.kind}`);
  return judgement.answer;
}
