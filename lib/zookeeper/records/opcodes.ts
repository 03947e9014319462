/** What a request asks for. @source ZooKeeper 3.9 ZooDefs.OpCode */
export const opcodes = {
  /** Within a multi; alone it is create2. */
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  multiRead: 22,
  auth: 100,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  closeSession: -11,
  /** In the results of multi and multiRead only. */
  error: -1,
} as const;

/** The xids that are not numbers of requests. @source ZooKeeper 3.9 ClientCnxn */
export const xids = {
  notification: -1,
  ping: -2,
  auth: -4,
  setWatches: -8,
} as const;
