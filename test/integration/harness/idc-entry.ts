import { idcKey } from "../../../arbiter/core/keys.ts";
import type { IdcRecord } from "../../../arbiter/core/model.ts";
import { encodeIdc } from "../../../arbiter/core/records.ts";

export type IdcWish = Pick<IdcRecord, "state" | "epoch"> & Partial<Pick<IdcRecord, "weight">>;

/** What operators want of an IDC, as an arbiter of this environment writes it to etcd. */
export function idcEntry(
  environment: string,
  idc: string,
  { state, epoch, weight = 100 }: IdcWish,
): { readonly key: string; readonly text: string } {
  const record: IdcRecord = { state, weight, epoch, reason: "a drill", at: 0 };
  return { key: `/crossidc/${environment}/${idcKey(idc)}`, text: encodeIdc(record, idc) };
}
