import { inProject } from "../integration/harness/project.ts";

/** Small and quick to start: tests run many of them and ask little of each. Maven has checked the jars, so Java need not. */
const leanFlags = [
  "-XX:+UseSerialGC",
  "-XX:TieredStopAtLevel=1",
  "-XX:+UnlockDiagnosticVMOptions",
  "-XX:-BytecodeVerificationRemote",
  "-XX:-UsePerfData",
  "-Xss512k",
];

/** A Java program of .cache/<jars>/lib. @param options.heapMb the most it may have */
export function javaCommand(
  jars: "rocketmq-5.3.3" | "kafka-4.1.0",
  main: string,
  options: { heapMb: number; flags?: readonly string[] },
): readonly string[] {
  const { heapMb, flags = [] } = options;
  const classPath = inProject(`.cache/${jars}/lib/*`);
  return ["java", "-Xms32m", `-Xmx${heapMb}m`, ...leanFlags, ...flags, "-cp", classPath, main];
}

/** The text of a Java properties file. */
export function propertiesText(properties: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}
