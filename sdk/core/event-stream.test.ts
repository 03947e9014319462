import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyStream, readEvents, type ServerEvent } from "./event-stream.ts";

const charactersMax = 1_000;

function readAll(parts: readonly string[]): ServerEvent[] {
  let stream = emptyStream;
  return parts.flatMap((part) => {
    const read = readEvents(stream, part, charactersMax);
    if (read === undefined) throw new Error("too large");
    stream = read.stream;
    return read.events;
  });
}

test("events have names and data; signs of life and ids are none", () => {
  const text = 'retry: 1000\nid: me.1\n\n:\n\nid: me.2\nevent: route\ndata: {"a":1}\n\ndata:x\ndata: y\n\n';
  expect(readAll([text])).toEqual([
    { name: "route", data: '{"a":1}' },
    { name: "message", data: "x\ny" },
  ]);
});

test("an event that is too large is told, whether it has ended or not", () => {
  const data = `data: ${"x".repeat(charactersMax)}`;
  expect(readEvents(emptyStream, data, charactersMax)).toBeUndefined();
  expect(readEvents(emptyStream, `${data}\n\n`, charactersMax)).toBeUndefined();
});

test("wherever the stream is cut, and however its lines end, the events are the same", () => {
  const event = fc.record({
    name: fc.constantFrom("route", "other"),
    data: fc.array(
      fc.string({ maxLength: 20 }).filter((text) => !/[\r\n]/.test(text)),
      { minLength: 1, maxLength: 3 },
    ),
  });
  const cuts = fc.array(fc.nat(400), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 5 }), cuts, fc.constantFrom("\n", "\r\n"), (events, at, end) => {
      const text = events
        .map(({ name, data }) => [`event: ${name}`, ...data.map((line) => `data: ${line}`), "", ""].join(end))
        .join("");
      const places = [0, ...at.filter((place) => place < text.length).toSorted((one, other) => one - other)];
      const parts = places.map((place, nth) => text.slice(place, places[nth + 1]));
      expect(readAll(parts)).toEqual(events.map(({ name, data }) => ({ name, data: data.join("\n") })));
    }),
  );
});
