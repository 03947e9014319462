import { openSync } from "node:fs";
import koffi from "koffi";

/** System calls that Node does not have. Each throws with the system's error name. Linux on x64 and arm64. */
const libc = koffi.load("libc.so.6");
const unshare = libc.func("int unshare(int flags)");
const setns = libc.func("int setns(int fd, int flags)");
const ioctl = libc.func("int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)");
const fcntl = libc.func("int fcntl(int fd, int command, int argument)");
const read = libc.func("int64 read(int fd, _Out_ uint8_t *bytes, uint64 size)");
const write = libc.func("int64 write(int fd, uint8_t *bytes, uint64 size)");
const schedSetScheduler = libc.func("int sched_setscheduler(int thread, int policy, uint8_t *parameters)");
const ppoll = libc.func("int ppoll(_Inout_ uint8_t *fds, uint64 count, uint8_t *timeout, void *mask)");

const roundRobin = 2;
const cloneNewNet = 0x4000_0000;
const tunSetInterface = 0x4004_54ca;
/** IP packets, without the 4 bytes that could stand before each. */
const tunFlags = 0x0001 | 0x1000;
const setStatusFlags = 4;
const nonBlocking = 0x800;
const pollIn = 1;

/** This thread's network namespace, to come back to it and to enter it from elsewhere. */
export function openOwnNamespace(): number {
  return openSync("/proc/thread-self/ns/net", "r");
}

/** Gives this thread, and those it starts from now on, a network namespace of its own. */
export function makeNetworkNamespace(): void {
  check("unshare(CLONE_NEWNET)", unshare(cloneNewNet));
}

/** This thread goes into a network namespace. Sockets keep the one that they were made in. */
export function enterNetworkNamespace(fd: number): void {
  check("setns", setns(fd, cloneNewNet));
}

/** A device in this thread's network namespace whose packets are read and written here. It goes when it is closed. */
export function openTunnel(device: string): number {
  const fd = openSync("/dev/net/tun", "r+");
  const request = Buffer.alloc(40);
  request.write(device, "latin1");
  request.writeUInt16LE(tunFlags, 16);
  check(`ioctl(TUNSETIFF) for ${device}`, ioctl(fd, tunSetInterface, request));
  check("fcntl(O_NONBLOCK)", fcntl(fd, setStatusFlags, nonBlocking));
  return fd;
}

/** This thread runs as soon as it has something to do, whatever else the machine does. False where that is not allowed. */
export function runBeforeOthers(): boolean {
  // struct sched_param: priority i32
  const lowest = Buffer.from([1, 0, 0, 0]);
  return schedSetScheduler(0, roundRobin, lowest) === 0;
}

/** The length of the packet; 0 when there is none. */
export function readPacket(fd: number, into: Buffer): number {
  return Math.max(0, Number(read(fd, into, into.length)));
}

/** False when the device does not take it: it is down, or gone. */
export function writePacket(fd: number, packet: Buffer, bytes: number): boolean {
  return Number(write(fd, packet, bytes)) === bytes;
}

/** Waits until one of some files can be read. */
export interface Poll {
  /** Blocks this thread. */
  wait(msMax: number): void;
  /** After wait(). @param position in the list of files */
  isReadable(position: number): boolean;
}

export function createPoll(fds: readonly number[]): Poll {
  // struct pollfd: fd i32 | events i16 | revents i16
  const table = Buffer.alloc(fds.length * 8);
  for (const [position, fd] of fds.entries()) {
    table.writeInt32LE(fd, position * 8);
    table.writeInt16LE(pollIn, position * 8 + 4);
  }
  // struct timespec: seconds i64 | nanoseconds i64
  const timeout = new BigInt64Array(2);
  const timeoutBytes = Buffer.from(timeout.buffer);
  return {
    wait(msMax) {
      timeout[0] = BigInt(Math.floor(msMax / 1_000));
      timeout[1] = BigInt(Math.floor((msMax % 1_000) * 1_000_000));
      ppoll(table, fds.length, timeoutBytes, null);
    },
    isReadable: (position) => table.readInt16LE(position * 8 + 6) !== 0,
  };
}

function check(call: string, result: number): void {
  if (result === 0) return;
  const number = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
  throw new Error(`${call} failed: ${name}`);
}
