import { createHmac } from "node:crypto";
import type { RemotingRequest } from "#lib/remoting/message.ts";

/** Of a user of the brokers' ACL 2.0, with the rights of cluster/update. */
export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

/**
 * Signs a request as the ACL hook of stock clients does: field Signature is HMAC-SHA1 in Base64, over the values of all other
 * fields in the order of their names, then the body.
 * @source RocketMQ 5.3.3 AclClientRPCHook, AclUtils.combineRequestContent
 */
export function signRequest(request: RemotingRequest, { accessKey, secretKey }: Credentials): RemotingRequest {
  const fields: Record<string, string> = { ...request.fields, AccessKey: accessKey };
  delete fields["Signature"];
  const mac = createHmac("sha1", secretKey);
  for (const name of Object.keys(fields).sort()) mac.update(fields[name] ?? "", "utf8");
  const signature = mac.update(request.body).digest("base64");
  return { ...request, fields: { ...fields, Signature: signature } };
}
