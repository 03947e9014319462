/** How requests and answers are written. Light, so that the clients are not what is measured. */
export interface Words {
  request(topic: string, id: number): Buffer;
  /** The first answer in these bytes; undefined: it is not whole. `id` null: answers come in the order of their requests. */
  answer(bytes: Buffer): { readonly used: number; readonly id: number | null; readonly bodyBytes: number } | undefined;
}

/** Of an answer that is no route. */
export const noRoute = -1;
