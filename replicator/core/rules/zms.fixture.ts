import type { RulesConfig } from "./compile.ts";

/** The rules of the sample link in the design, for tests: ZMS's layout, one cluster with two addresses. */
export const zmsConfig: RulesConfig = {
  clusters: {
    "rmq-idc1": {
      to: "rmq-idc2",
      addresses: { "10.1.0.21:9876": "10.2.0.21:9876", "10.1.0.22:9876": "10.2.0.22:9876" },
    },
    "kafka-idc1": { to: "kafka-idc2", addresses: {} },
  },
  rules: [
    {
      match: "/zms/cluster/{cluster}",
      action: "copy",
      to: "/zms/cluster/{cluster:clusters}",
      data: {
        format: "properties",
        edits: [
          { at: "bootAddr", map: "addresses" },
          { at: "serverIps", map: "addresses" },
        ],
      },
    },
    { match: "/zms/host/**", action: "ignore" },
    {
      match: "/zms/{kind}/{name}",
      action: "copy",
      to: "/zms/{kind}/{name}",
      data: {
        format: "properties",
        edits: [
          { at: "clusterName", map: "clusters" },
          { at: "gatedCluster", map: "clusters" },
        ],
      },
    },
  ],
  unmapped: "error",
  onBadData: "copy",
};
