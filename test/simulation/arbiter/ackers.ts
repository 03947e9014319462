/** Who acknowledged what, and whether it is still there: from the producers' side alone. */
export interface Ackers {
  acked(ack: Ack): void;
  /** A broker has become master, with these messages. */
  promoted(broker: string, epoch: number, messages: ReadonlySet<string>): void;
  /** At the end: what the master has. */
  kept(messages: ReadonlySet<string>): void;
  readonly acks: readonly Ack[];
}

export interface Ack {
  readonly message: string;
  readonly broker: string;
  readonly epoch: number;
  readonly sentAt: number;
  readonly at: number;
}

export function createAckers(): Ackers {
  const acks: Ack[] = [];
  let newest: Ack | undefined;

  const have = (messages: ReadonlySet<string>, who: string): void => {
    const lost = acks.filter(({ message }) => !messages.has(message));
    if (lost.length === 0) return;
    const count = `${lost.length} of ${acks.length} acknowledged messages`;
    throw new Error(`I6: ${who} lacks ${count}, first ${JSON.stringify(lost[0])}`);
  };
  return {
    acks,
    acked(ack) {
      acks.push(ack);
      if (newest !== undefined && ack.epoch < newest.epoch)
        throw new Error(
          `I1: ${ack.broker} acknowledges in epoch ${ack.epoch}, ${newest.broker} did in epoch ${newest.epoch}`,
        );
      if (newest !== undefined && ack.epoch === newest.epoch && ack.broker !== newest.broker)
        throw new Error(`I1: ${ack.broker} and ${newest.broker} acknowledge in epoch ${ack.epoch}`);
      newest = ack;
    },
    promoted: (broker, epoch, messages) => have(messages, `${broker}, master of epoch ${epoch},`),
    kept: (messages) => have(messages, "in the end the master"),
  };
}
