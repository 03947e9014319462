#!/bin/sh
# What an arbiter needs to look after a Redis set (Redis 5 or later): clusters of kind `exec`, see docs/operations.md.
# Usage: redis.sh probe|offsets|promote|fence|follow [PASSWORD-FILE] < JSON
#
# Every server must start as a replica of nowhere (redis.conf beside this): then one whose port refuses is no master, and
# will not come back as one. That is what makes `fence` say yes to a dead process. A server that cannot be reached is not
# fenced by this script: add what your machines have (a power switch, the hypervisor, the network) where it says so.
#
# The epoch of a promotion is kept in the data, under $epoch_key, so that replicas know it too. A script that was asked for
# an older one changes nothing. CONFIG REWRITE must not be used: it would make the master's role survive a restart.
set -u

epoch_key=crossidc:epoch
nowhere="127.0.0.1 1"
# A replica counts as in sync while the master heard of it within so many seconds.
lag_max=2

yes=0 no=10 silent=11 stale=12

verb=${1:-}
case $verb in
  # timing.probeTimeoutMs is for probe and offsets together.
  probe | offsets) seconds=0.2 ;;
  promote | fence | follow) seconds=1 ;;
  *)
    echo "Usage: redis.sh probe|offsets|promote|fence|follow [PASSWORD-FILE] < JSON" >&2
    exit 2
    ;;
esac
if [ -n "${2:-}" ]; then
  REDISCLI_AUTH=$(cat "$2") || exit 1
  export REDISCLI_AUTH
fi

# Several of these run each second, at every site: what the shell can do by itself starts no process.
set -f
newline='
'
cr=$(printf '\r')

# The input is one line of JSON without spaces. cut_at BEFORE: in $value what follows it there, up to the next quote, comma
# or brace; nothing where it is not there.
read -r input
cut_at() {
  value=
  case $input in
    *"$1"*) value=${input#*"$1"} value=${value%%[\",\}]*} ;;
  esac
}
cut_at '"member":{"id":'; member_id=$value
cut_at "\"member\":{\"id\":$member_id,\"address\":\""; member=$value
cut_at '"master":{"id":'; master_id=$value
cut_at "\"master\":{\"id\":$master_id,\"address\":\""; master=$value
cut_at '"epoch":'; epoch=$value
[ -n "$member" ] || { echo "no member in the input" >&2; exit 1; }

# redis COMMAND...: what the member answers, in $answer. Ends the script where it does not: see unanswered.
redis() {
  answer=$(timeout "$seconds" redis-cli -e -h "${member%:*}" -p "${member##*:}" "$@" 2>&1)
  code=$?
  [ "$code" -eq 0 ] || unanswered "$1"
}

unanswered() {
  echo "$member, $1: ${answer:-nothing in $seconds s}" >&2
  case $code,$answer in
    124,*) reached=$silent ;;
    *"Connection refused"*) reached=$no ;;
    *"Could not connect"* | *"closed the connection"* | *"reset by peer"*) reached=$silent ;;
    *) exit 1 ;;
  esac
  # Nothing listens there: it is no master, and starts as none.
  [ "$verb,$reached" != "fence,$no" ] || exit "$yes"
  # fence: here would be the place to switch it off by other means, and to say yes when that is done for sure.
  exit "$reached"
}

# Whom the member takes itself for, and what it copies, or is copied by. Its epoch is in $known.
look() {
  redis INFO
  role='' run_id='' master_host='' master_port='' offset='' copied='' replicas=''
  IFS=$newline
  for pair in $answer; do
    pair=${pair%"$cr"}
    value=${pair#*:}
    case $pair in
      role:*) role=$value ;;
      run_id:*) run_id=$value ;;
      master_host:*) master_host=$value ;;
      master_port:*) master_port=$value ;;
      master_repl_offset:*) offset=$value ;;
      slave_repl_offset:*) copied=$value ;;
      slave[0-9]*:ip=*) replicas=$replicas$value$newline ;;
    esac
  done
  unset IFS
  # A probe tells of no epoch.
  [ "$verb" != probe ] || return 0
  redis GET "$epoch_key"
  known=${answer:--1}
  case $known in *[!0-9-]*) known=-1 ;; esac
}

refuse_old() {
  if [ "$known" -gt "$epoch" ] || { [ "$verb" != promote ] && [ "$role" = master ] && [ "$known" -ge "$epoch" ]; }; then
    echo "$member is a $role and knows of epoch $known" >&2
    exit "$stale"
  fi
}

# In $ids those of the members that INFO names as replicas, and the own one: 1,2
in_sync() {
  ids=$member_id
  IFS=$newline
  # ip=10.2.0.21,port=6379,state=online,offset=1234,lag=0
  for replica in $replicas; do
    case $replica in *,state=online,*,lag=*) ;; *) continue ;; esac
    lag=${replica##*,lag=}
    [ "${lag%%,*}" -le "$lag_max" ] || continue
    ip=${replica#ip=} port=${replica#*,port=}
    address=${ip%%,*}:${port%%,*}
    # The members: {"id":1,"address":"10.1.0.21:6379"},…
    id=${input%%",\"address\":\"$address\"}"*}
    [ "$id" = "$input" ] || ids=$ids,${id##*:}
  done
  unset IFS
}

look
case $verb in
  probe)
    [ "$role" = master ] && acting=true || acting=false
    echo "{\"acting\":$acting,\"instance\":\"$run_id\"}"
    ;;
  offsets)
    if [ "$role" = master ]; then
      in_sync
      echo "{\"epoch\":$known,\"offset\":\"$offset\",\"inSync\":[$ids]}"
    else
      echo "{\"epoch\":$known,\"offset\":\"$copied\"}"
    fi
    ;;
  promote)
    refuse_old
    [ "$role" = master ] || redis REPLICAOF NO ONE
    redis SET "$epoch_key" "$epoch"
    look
    [ "$role" = master ] && [ "$known" = "$epoch" ] || exit "$no"
    ;;
  fence)
    refuse_old
    # Of nowhere: the one that is to be master may still be a replica of this one.
    # shellcheck disable=SC2086 # two words
    [ "$role" != master ] || redis REPLICAOF $nowhere
    look
    [ "$role" != master ] || exit "$no"
    ;;
  follow)
    refuse_old
    [ -n "$master" ] || { echo "no master in the input" >&2; exit 1; }
    [ "$role,$master_host:$master_port" = "slave,$master" ] ||
      redis REPLICAOF "${master%:*}" "${master##*:}"
    look
    [ "$role,$master_host:$master_port" = "slave,$master" ] || exit "$no"
    ;;
esac
exit "$yes"
