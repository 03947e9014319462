import type { Command } from "./events.ts";
import type { Table } from "./model.ts";

/** What people should hear about when one table follows another. */
export function noteChanges(before: Table, now: Table, commands: Command[]): void {
  for (const [name, entry] of now.sets) {
    const old = before.sets.get(name);
    if (old === entry) continue;
    const { available, why, master, epoch, idc } = entry;
    if (old === undefined || old.available !== available) {
      const fields = { set: name, idc, master, epoch, why };
      const sentence = available ? "set takes messages" : "set takes no messages";
      commands.push({ kind: "note", level: available || old === undefined ? "info" : "warn", sentence, fields });
    } else if (old.master !== master) {
      const fields = { set: name, from: old.master, to: master, epoch };
      commands.push({ kind: "note", level: "info", sentence: "set has another master", fields });
    }
  }
  for (const name of before.sets.keys()) {
    if (!now.sets.has(name)) {
      commands.push({ kind: "note", level: "info", sentence: "set is forgotten", fields: { set: name } });
    }
  }
  for (const [idc, { state, weight, epoch, reason }] of now.idcs) {
    if (before.idcs.get(idc) === now.idcs.get(idc)) continue;
    const fields = { idc, state, weight, epoch, reason };
    commands.push({ kind: "note", level: "info", sentence: "operators want something else of an IDC", fields });
  }
}
