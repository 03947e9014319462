import type { Place } from "./core/places.ts";
import type { Driver } from "./driver.ts";
import { messageOf, SdkError } from "./errors.ts";
import type { KafkaAccess } from "./kafka/driver.ts";
import type { RocketmqAccess } from "./rocketmq/driver.ts";

export interface DriverAccess {
  /** How Kafka's brokers are reached: TLS, credentials, client id. */
  readonly kafka?: KafkaAccess;
  /** How RocketMQ's proxies are reached: TLS, credentials. */
  readonly rocketmq?: RocketmqAccess;
}

/** The library that speaks to a kind of brokers is loaded when the first topic of that kind is used. */
export function createDrivers({ kafka = {}, rocketmq = {} }: DriverAccess): (place: Place) => Promise<Driver> {
  const loaded = new Map<Place["kind"], Promise<Driver>>();

  async function load(kind: Place["kind"]): Promise<Driver> {
    switch (kind) {
      case "kafka": {
        const { createKafkaDriver } = await import("./kafka/driver.ts").catch(missing("kafkajs"));
        return createKafkaDriver(kafka);
      }
      case "rocketmq": {
        const { createRocketmqDriver } = await import("./rocketmq/driver.ts").catch(missing("rocketmq-client-nodejs"));
        return createRocketmqDriver(rocketmq);
      }
    }
  }

  return ({ kind }) => {
    const known = loaded.get(kind);
    if (known !== undefined) return known;
    const loading = load(kind);
    loaded.set(kind, loading);
    return loading;
  };
}

function missing(library: string): (error: unknown) => never {
  return (cause) => {
    const message = `Cannot load ${library}: ${messageOf(cause)}`;
    throw new SdkError("SDK_DRIVER_MISSING", message, { hint: `npm install ${library}`, cause });
  };
}
