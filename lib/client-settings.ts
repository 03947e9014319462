/** What a router may tell clients with the SDK, and in which ranges: others are left aside wherever they are read. */
export const clientSettingRanges = {
  sendTimeoutMs: { min: 100, max: 600_000 },
  concurrency: { min: 1, max: 256 },
} as const;
