import { RemotingError } from "./errors.ts";
import { parseFastjson } from "./fastjson.ts";
import { inInt32, inInt64, shorten } from "./numbers.ts";

/** @param what the message, for people @throws {DecodeError} when it is no JSON */
export function readBody(body: Uint8Array, what: string): BodyReader {
  return new BodyReader(parseFastjson(body), what, "");
}

/**
 * A value within a JSON body, at a place such as `epochList[2].startOffset`. Every method throws a RemotingError REMOTING_BODY that
 * names place and value where it is something else. Members that are null count as missing, as in Java.
 */
export class BodyReader {
  readonly #value: unknown;
  readonly #what: string;
  readonly #place: string;

  constructor(value: unknown, what: string, place: string) {
    this.#value = value;
    this.#what = what;
    this.#place = place;
  }

  member(name: string): BodyReader {
    const value = Object.getOwnPropertyDescriptor(this.#object(), name)?.value;
    return new BodyReader(value, this.#what, this.#place === "" ? name : `${this.#place}.${name}`);
  }

  optional(name: string): BodyReader | undefined {
    const member = this.member(name);
    return member.#value === undefined || member.#value === null ? undefined : member;
  }

  entries(): [string, BodyReader][] {
    return Object.keys(this.#object()).map((name) => [name, this.member(name)]);
  }

  items(): BodyReader[] {
    const value = this.#value;
    if (!Array.isArray(value)) throw this.#misfit("a list");
    return value.map((item: unknown, index) => new BodyReader(item, this.#what, `${this.#place}[${index}]`));
  }

  text(): string {
    if (typeof this.#value !== "string") throw this.#misfit("a text");
    return this.#value;
  }

  bool(): boolean {
    if (typeof this.#value !== "boolean") throw this.#misfit("true or false");
    return this.#value;
  }

  int32(): number {
    if (typeof this.#value !== "number" || !inInt32(this.#value)) throw this.#misfit("a number of 32 bits");
    return this.#value;
  }

  int64(): bigint {
    const value = Number.isSafeInteger(this.#value) ? BigInt(this.#value as number) : this.#value;
    if (typeof value !== "bigint" || !inInt64(value)) throw this.#misfit("a number of 64 bits");
    return value;
  }

  brokerId(): number {
    const value = this.#value;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw this.#misfit("a broker id");
    return value;
  }

  /** The numbers of brokers, and of each its address. */
  addresses(): Map<number, string> {
    const addresses = new Map<number, string>();
    for (const [id, address] of this.entries()) {
      if (!brokerId.test(id)) throw address.#misfit("the address of a broker id");
      addresses.set(Number(id), address.text());
    }
    return addresses;
  }

  #object(): object {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.#misfit("an object");
    return value;
  }

  #misfit(due: string): RemotingError {
    const field = this.#place;
    const value = this.#value === undefined ? undefined : show(this.#value);
    const place = field === "" ? "the body" : `${field} of the body`;
    return new RemotingError(
      "REMOTING_BODY",
      `${this.#what}: ${place} is ${value ?? "missing"}, where ${due} was due`,
      {
        field,
        value,
      },
    );
  }
}

const brokerId = /^\d{1,15}$/;

function show(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  return shorten(typeof value === "string" ? JSON.stringify(value) : String(value));
}
