import type { FieldReader } from "../fields.ts";

export interface Master {
  readonly brokerId: number;
  /** host:port, where clients and controllers reach it. */
  readonly address: string;
}

/** Fields that several messages have, both or none of them.  masterAddress? | masterBrokerId? */
export function masterFields(master: Master | undefined): { masterAddress?: string; masterBrokerId?: number } {
  return master === undefined ? {} : { masterAddress: master.address, masterBrokerId: master.brokerId };
}

/** Stock controllers leave an unknown master out, or give it an empty address. */
export function readMaster(fields: FieldReader): Master | undefined {
  const address = fields.optionalText("masterAddress") ?? "";
  const brokerId = fields.optionalBrokerId("masterBrokerId");
  return address === "" || brokerId === undefined ? undefined : { brokerId, address };
}
