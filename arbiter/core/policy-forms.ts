import { rpoNames, type SetPolicy } from "./model.ts";

/** The keys of a policy: how each is written, what it is where it is left out, and what it promises. docs/config.md reads this table. */

/**
 * A set without a policy gets these, and so does a policy for what it leaves out. They are what the stock controller does, with
 * a brake: it elects in-sync replicas only, whatever is lost, and counts nothing. 60 s: with at most two failovers in that
 * time a set that flaps costs its clients two outages a minute before a person is asked. 30 s: an IDC that is restarted, or a
 * link that is switched over, is back by then; a longer outage is a choice between safety and writes.
 */
export const usualPolicy: SetPolicy = {
  rpo: "best-effort",
  survive: "broker",
  maxLostBytes: 0n,
  unclean: "deny",
  preferIdcs: [],
  cooldownMs: 60_000,
  degradeAfterMs: 30_000,
  returnAfterMs: null,
  frozen: false,
};

const matchLengthMax = 255;
const dayMs = 86_400_000;

/** How a value is written; `read` gives undefined for what is not written so. */
export interface Form<Value> {
  readonly expected: string;
  readonly read: (value: unknown) => Value | undefined;
}

export const matchText: Form<string> = {
  expected: `the name of a set, cluster/set, of 1 to ${matchLengthMax} characters, with * for any`,
  read: (value) => (typeof value === "string" && value !== "" && value.length <= matchLengthMax ? value : undefined),
};

function oneOf<const Name extends string>(allowed: readonly Name[]): Form<Name> {
  return { expected: allowed.join(" or "), read: (value) => allowed.find((name) => name === value) };
}

const bytes: Form<bigint> = {
  expected: "a whole number of bytes",
  read: (value) => {
    const text = typeof value === "number" ? String(value) : value;
    return typeof text === "string" && /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
  },
};

const names: Form<readonly string[]> = {
  expected: "a list of names of IDCs",
  read: (value) =>
    Array.isArray(value) && value.every((name) => typeof name === "string" && name !== "") ? value : undefined,
};

const durationFrom = (min: number): Form<number> => ({
  expected: `milliseconds, ${min} to ${dayMs}`,
  read: (value) =>
    Number.isInteger(value) && Number(value) >= min && Number(value) <= dayMs ? Number(value) : undefined,
});
const duration = durationFrom(0);

/** Shorter ones would only disturb: the replicas of a new master need some 5 s to be in sync again. */
const returnMsMin = 5_000;
const quiet = durationFrom(returnMsMin);

const quietTime: Form<number | null> = {
  expected: `${quiet.expected}, or null for never`,
  read: (value) => (value === null ? null : quiet.read(value)),
};

const flag: Form<boolean> = {
  expected: "true or false",
  read: (value) => (typeof value === "boolean" ? value : undefined),
};

/** How each key is written. */
export const policyForms: { readonly [Key in keyof SetPolicy]: Form<SetPolicy[Key]> } = {
  rpo: oneOf(rpoNames),
  survive: oneOf(["broker", "idc"]),
  maxLostBytes: bytes,
  unclean: oneOf(["deny", "allow"]),
  preferIdcs: names,
  cooldownMs: duration,
  degradeAfterMs: duration,
  returnAfterMs: quietTime,
  frozen: flag,
};

/** What each promises, and what it costs; for docs/config.md. */
export const policyDocs: { readonly [Key in keyof SetPolicy]: string } = {
  rpo: "What a failover may lose of what was acknowledged. zero: nothing. A master that is silent is replaced only if the set was last proven to survive what `survive` says; one that is positively dead (its port refuses) if it was proven to survive a broker; otherwise nobody can write until it is back, or somebody recovers the set by force. bounded: up to `maxLostBytes`. best-effort: whatever the in-sync replica with the most progress lacks; the decision says how much is known of it.",
  survive:
    "With rpo zero: what may be lost at once, one broker or one IDC. The set is watched for it: what keeps it from that is an alert. Whatever the rpo, idc keeps the in-sync set from shrinking into one IDC, for `degradeAfterMs`: without the other IDC nobody can write for so long. With rpo zero it is kept from shrinking to the master alone, as long, where the other replicas are heard.",
  maxLostBytes:
    "With rpo bounded: the winner may lack so many bytes of what the old master has told of, in its log. It tells once a second: what it acknowledged after its last word comes on top.",
  unclean:
    "allow: when no in-sync replica is there, one that is not in sync may be elected; the decision says what is known to be lost. Not with rpo zero.",
  preferIdcs:
    "Of replicas that are equally far, the one in the first of these IDCs is elected. Home, for `idcctl set rebalance --to-preferred` and `returnAfterMs`. More progress always comes first.",
  cooldownMs:
    "Within so long a set may fail over twice, and not a third time: then somebody must look. 0: as often as it comes.",
  degradeAfterMs:
    "How long the in-sync set is kept from shrinking into one IDC (survive idc) or to the master alone though the others are heard (rpo zero), counted from when the master first wishes so: RocketMQ's does when it has not heard of the others for haHousekeepingInterval (20 s), or at once where their connections end. Meanwhile nobody can write. After that writes go on with those that are left, and their loss would lose messages; with rpo zero an alert says so. A master whose disk is full wishes to be alone, and would acknowledge what it cannot store: within this time it is replaced when it is restarted.",
  returnAfterMs:
    "How long a set must have been quiet before its master is brought home by itself, by a planned switch: complete, in sync, heard by every site, nothing open, paused, frozen or drained. Twice as long for each failover of the last day but the first. It also takes back what an operator has switched: drain the broker or the IDC to keep a master away. null: never.",
  frozen: "true: no failover and no switch, as by `idcctl set freeze`.",
};
