/** Of a message, by name: its tags, its keys, and what else was said of it. */
export type MessageProperties = ReadonlyMap<string, string>;

const afterName = "\u0001";
const afterValue = "\u0002";

/**
 * name | 0x01 | value | 0x02, for each
 * @source RocketMQ 5.3.3 MessageDecoder.messageProperties2String
 */
export function printMessageProperties(properties: MessageProperties): string {
  return [...properties].map(([name, value]) => `${name}${afterName}${value}${afterValue}`).join("");
}

/** What has no sign after its name is left out, as in stock. */
export function parseMessageProperties(text: string): MessageProperties {
  const properties = new Map<string, string>();
  for (const property of text.split(afterValue)) {
    const at = property.indexOf(afterName);
    if (at >= 0) properties.set(property.slice(0, at), property.slice(at + 1));
  }
  return properties;
}
