import { join } from "node:path";
import { type RunningProcess, startProcess } from "../../test/integration/harness/process.ts";

/** Perl is in every Debian (perl-base); Node has no Unix datagram sockets. One line of output per datagram. */
const receiver = `
  use Socket;
  $| = 1;
  socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
  bind($socket, pack_sockaddr_un($ARGV[0])) or die "bind: $!";
  print "listening\\n";
  while (defined recv($socket, my $state, 65536, 0)) { $state =~ s/\\n/ | /g; print "$state\\n"; }
`;

/** Plays systemd's part: a socket for NOTIFY_SOCKET whose messages are lines of the process's output. */
export async function startNotifySocket(folder: string): Promise<RunningProcess & { readonly path: string }> {
  const path = join(folder, "notify");
  const process = startProcess("perl", ["-e", receiver, path], { name: "notify-socket" });
  await process.waitForLine(/^listening$/, { timeoutMs: 10_000 });
  return Object.assign(process, { path });
}
