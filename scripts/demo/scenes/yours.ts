import type { Story } from "../story.ts";
import { clusterNodes, topicNodes } from "../zms.ts";

/** Hands all that runs over to the reader. */
export function keys({ stage, world }: Story): void {
  const { idc1, idc2, endpoint, configFile, logFile } = world;
  const idcctl = endpoint.endsWith(":7401") ? "bin/idcctl" : `bin/idcctl --endpoint ${endpoint}`;
  const topic = topicNodes[1]?.path ?? "";
  stage.scene("It is yours until Ctrl-C");
  stage.show(
    [
      `IDC1's ZooKeeper   ${idc1.address}`,
      `IDC2's ZooKeeper   ${idc2.address}`,
      `replicator         ${endpoint}   metrics: ${endpoint}/metrics   health: ${endpoint}/readyz`,
      `config             ${configFile}`,
      `log                ${logFile}`,
    ].join("\n"),
  );
  stage.say("In another terminal, in this folder:");
  stage.show(
    [
      `${idcctl} link status`,
      `${idcctl} link explain ${clusterNodes[0]?.path}`,
      `${idcctl} link verify`,
      `/usr/share/zookeeper/bin/zkCli.sh -server ${idc1.address} delete ${topic}`,
      `/usr/share/zookeeper/bin/zkCli.sh -server ${idc2.address} get ${topic}`,
    ].join("\n"),
  );
}
