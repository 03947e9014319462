import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";

export interface Identity {
  readonly scheme: string;
  /** For digest the user's name, without its password. */
  readonly id: string;
}

const identityBytesMin = 8;

/**
 * WhoAmI response.  vector of (scheme string | user string).  The request has no body. Servers from 3.7 on.
 * @source ZooKeeper 3.9 WhoAmIResponse and ClientInfo, zookeeper.jute
 */
export function encodeWhoAmIResponse(writer: Writer, identities: readonly Identity[]): void {
  writer.vector(identities, encodeIdentity);
}

export function decodeWhoAmIResponse(reader: Reader): Identity[] {
  return reader.vector(identityBytesMin, decodeIdentity);
}

function encodeIdentity(writer: Writer, identity: Identity): void {
  writer.string(identity.scheme);
  writer.string(identity.id);
}

function decodeIdentity(reader: Reader): Identity {
  return { scheme: reader.string(), id: reader.string() };
}
