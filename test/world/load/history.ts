/** What producers saw: plain data, for the checkers. Times in ms on this process's monotonic clock. */

/** One message, sent once: never repeated under the same id. */
export interface Send {
  /** Unique, also among the runs of one topic. */
  readonly id: string;
  readonly producer: string;
  readonly queue: number;
  /** HOST:PORT it was sent to. Under which epoch it acted then, the producer can't know. */
  readonly broker: string;
  readonly sentAt: number;
  /** null: no answer as long as anybody listened. */
  readonly answeredAt: number | null;
  /** Of the answer. Only 0 is a promise to keep the message. */
  readonly code: number | null;
}

/** A send that the broker has promised to keep. */
export interface Acked extends Send {
  readonly answeredAt: number;
  readonly code: 0;
}

export interface Producer {
  readonly name: string;
  readonly site: string;
  /** It sends to this broker whatever the route says, so as to see the broker as it is; undefined: to the master that the route shows. */
  readonly pinned: string | undefined;
}

export interface History {
  readonly producers: readonly Producer[];
  readonly sends: readonly Send[];
}

/** In the order of their answers. */
export function ackedOf(sends: readonly Send[]): Acked[] {
  return sends.filter(isAcked).toSorted((one, other) => one.answeredAt - other.answeredAt);
}

function isAcked(send: Send): send is Acked {
  return send.code === 0 && send.answeredAt !== null;
}
