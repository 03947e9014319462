import { success } from "#lib/remoting/message.ts";
import { createReadyAnswer, type ReadyAnswer } from "#lib/remoting/ready-answer.ts";
import { type Answer, type AnswerOptions, answerOf, createGroundOf, sameAnswer, sameGround } from "../core/answer.ts";
import { createGateKeeper } from "../core/gate.ts";
import type { Table } from "../core/model.ts";
import { routeBody } from "../core/route-body.ts";

/**
 * Answers that were made, by topic and IDC, kept as long as they would come out the same. What is made of an answer (frames, JSON)
 * hangs on it, so it is made once for each answer.
 */
export interface Slots {
  /** @param gated see {@link Slots.isGated}. undefined: no cluster knows the topic. */
  answer(topic: string, idc: string, gated?: boolean): Answer | undefined;
  /** Whether the topic's gate lets this client through. @param host its address, without a port */
  isGated(topic: string, host: string): boolean;
  /** For clients that send to this level. */
  frame(answer: Answer, level: number): ReadyAnswer;
  readonly size: number;
}

export interface SlotsOptions {
  readonly table: () => Table;
  readonly answers: AnswerOptions;
  readonly wallTime: () => number;
  /** One more, and all are made anew: there are not more than topics times IDCs, unless callers make IDCs up. */
  readonly slotsMax: number;
}

interface Slot {
  /** Of the last table with which the answer was the same. */
  revision: number;
  ground: ReturnType<ReturnType<typeof createGroundOf>>;
  answer: Answer;
}

export function createSlots({ table, answers, wallTime, slotsMax }: SlotsOptions): Slots {
  const plainSlots = new Map<string, Map<string, Slot>>();
  const gatedSlots = new Map<string, Map<string, Slot>>();
  const groundOf = createGroundOf(answers.clusters);
  const isLetThrough = createGateKeeper();
  const frames = new WeakMap<Answer, Map<number, ReadyAnswer>>();
  let size = 0;

  function slotsOf(idc: string, gated: boolean): Map<string, Slot> {
    const slots = gated ? gatedSlots : plainSlots;
    const known = slots.get(idc);
    if (known !== undefined) return known;
    const fresh = new Map<string, Slot>();
    slots.set(idc, fresh);
    return fresh;
  }

  return {
    get size() {
      return size;
    },
    isGated: (topic, host) => isLetThrough(table().homes.get(topic)?.gate, host),
    answer(topic, idc, gated = false) {
      const now = table();
      const ofIdc = slotsOf(idc, gated);
      const slot = ofIdc.get(topic);
      if (slot?.revision === now.revision) return slot.answer;
      const ground = groundOf(now, topic);
      if (slot !== undefined && sameGround(slot.ground, ground)) {
        slot.revision = now.revision;
        return slot.answer;
      }
      const answer = answerOf(now, { topic, idc, gated }, answers, wallTime());
      if (answer === undefined) {
        if (ofIdc.delete(topic)) size -= 1;
        return undefined;
      }
      if (slot !== undefined) {
        slot.revision = now.revision;
        slot.ground = ground;
        if (!sameAnswer(slot.answer, answer)) slot.answer = answer;
        return slot.answer;
      }
      if (size >= slotsMax) {
        plainSlots.clear();
        gatedSlots.clear();
        size = 0;
      }
      slotsOf(idc, gated).set(topic, { revision: now.revision, ground, answer });
      size += 1;
      return answer;
    },
    frame(answer, level) {
      let byLevel = frames.get(answer);
      if (byLevel === undefined) {
        byLevel = new Map();
        frames.set(answer, byLevel);
      }
      let frame = byLevel.get(level);
      if (frame === undefined) {
        frame = createReadyAnswer(success({}, routeBody(answer, level)));
        byLevel.set(level, frame);
      }
      return frame;
    },
  };
}
