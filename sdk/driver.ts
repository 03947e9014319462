import type { Place } from "./core/places.ts";

/** What producers and consumers need of a library that speaks to one kind of brokers. */
export interface Driver {
  /** Connects. @throws when the place cannot be used right now */
  openProducer(options: { readonly place: Place; readonly topic: string }): Promise<ProducerLink>;
  /** Joins the group; a group that has no offset there begins as near to the start as the brokers let it. @throws when the place cannot be used right now */
  openConsumer(options: ConsumerLinkOptions): Promise<ConsumerLink>;
}

export interface ProducerLink {
  /**
   * Resolves when the brokers have acknowledged all of them.
   * @throws {SdkError} SDK_SEND_REFUSED when another attempt would be refused as well; anything else may work later
   */
  send(messages: readonly OutgoingMessage[], options: { readonly timeoutMs: number }): Promise<void>;
  /** Never throws. */
  close(): Promise<void>;
}

export interface ConsumerLinkOptions {
  readonly place: Place;
  readonly topic: string;
  readonly group: string;
  /** Of this consumer; "": unknown. */
  readonly idc: string;
  /** Resolves when the message is dealt with: then it is acknowledged. Rejects when it must not be. */
  readonly deliver: (message: IncomingMessage) => Promise<void>;
  /** Told which allocator the group agreed on, where members share out partitions by themselves. */
  readonly onAllocator?: (allocator: string) => void;
}

export interface ConsumerLink {
  /** Resolves with the reason when it reads no longer, and by nobody's wish. */
  readonly failed: Promise<unknown>;
  /** What the group has not acknowledged; null: it cannot be told. @throws when the brokers do not answer */
  lag(): Promise<bigint | null>;
  /** Never throws. What is being dealt with is acknowledged if it ends soon. */
  close(): Promise<void>;
}

export interface OutgoingMessage {
  /** Messages of one key keep their order within a cluster. */
  readonly key?: string | Buffer;
  readonly value: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface IncomingMessage {
  readonly topic: string;
  /** Which cluster it came from. */
  readonly cluster: string;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** Where it stands there: unique within a cluster and topic. */
  readonly position: string;
}
