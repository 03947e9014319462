import type { CallOptions, Connections } from "#lib/remoting/connections.ts";
import {
  decodeGetMetadataInfoResponse,
  encodeGetMetadataInfoRequest,
} from "#lib/remoting/records/get-metadata-info.ts";

/** Asks what every broker asks (1005). Whether the other site names a leader is its affair; that it answers counts. */
export async function reachesController(
  connections: Connections,
  controller: string,
  options: CallOptions,
): Promise<boolean> {
  try {
    decodeGetMetadataInfoResponse(await connections.read(controller, encodeGetMetadataInfoRequest(), options));
    return true;
  } catch {
    options.signal.throwIfAborted();
    return false;
  }
}
