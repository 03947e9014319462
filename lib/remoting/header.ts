/** The parameters of a request or an answer (extFields): all are text. */
export type Fields = Readonly<Record<string, string>>;

export interface Header {
  /** Of a request what it asks for, of an answer what it says: see codes.ts. */
  readonly code: number;
  readonly language: string;
  /** Of the sender's software: 479 is 5.3.3. */
  readonly version: number;
  /** The sender's number of the request; the answer has the same. */
  readonly opaque: number;
  readonly isResponse: boolean;
  /** Nobody waits for an answer. */
  readonly isOneway: boolean;
  readonly remark?: string | undefined;
  readonly fields: Fields;
}

const responseBit = 1;
const onewayBit = 2;

/** @source RocketMQ 5.3.3 RemotingCommand RPC_TYPE, RPC_ONEWAY */
export function flagOf({ isResponse, isOneway }: Pick<Header, "isResponse" | "isOneway">): number {
  return (isResponse ? responseBit : 0) | (isOneway ? onewayBit : 0);
}

export function fromFlag(flag: number): Pick<Header, "isResponse" | "isOneway"> {
  return { isResponse: (flag & responseBit) !== 0, isOneway: (flag & onewayBit) !== 0 };
}
