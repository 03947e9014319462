import { brokerCodecs } from "./broker-codecs.ts";
import { controllerCodecs } from "./controller-codecs.ts";

/** All that goes over the wire, each side under its own name. */
export const codecs = { ...controllerCodecs, ...brokerCodecs };
