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

# The input is one line of JSON without spaces.
input=$(cat)
given() { printf '%s\n' "$input" | sed -n "s/.*$1.*/\\1/p"; }
member_id=$(given '"member":{"id":\([0-9]*\),')
member=$(given '"member":{"id":[0-9]*,"address":"\([^"]*\)"')
master=$(given '"master":{"id":[0-9]*,"address":"\([^"]*\)"')
epoch=$(given '"epoch":\([0-9]*\)')
# "1 10.1.0.21:6379", a line for each member of the set
members=$(given '"members":\[\([^]]*\)\]' | sed 's/},{/\n/g' | sed 's/[{}]*"id":\([0-9]*\),"address":"\([^"]*\)"[{}]*/\1 \2/')
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

look() {
  redis INFO
  info=$(printf '%s' "$answer" | tr -d '\r')
  role=$(field role)
  redis GET "$epoch_key"
  known=${answer:--1}
  case $known in *[!0-9-]*) known=-1 ;; esac
}
field() { printf '%s\n' "$info" | sed -n "s/^$1://p"; }

refuse_old() {
  if [ "$known" -gt "$epoch" ] || { [ "$verb" != promote ] && [ "$role" = master ] && [ "$known" -ge "$epoch" ]; }; then
    echo "$member is a $role and knows of epoch $known" >&2
    exit "$stale"
  fi
}

# The ids of the members whose addresses INFO names as replicas, and the own one: 1,2
in_sync() {
  ids=$member_id
  for line in $(printf '%s\n' "$info" | sed -n 's/^slave[0-9]*:ip=\(.*\),port=\([0-9]*\),state=online,offset=[0-9]*,lag=\([0-9]*\)$/\3 \1:\2/p' | tr ' ' '@'); do
    [ "${line%%@*}" -le "$lag_max" ] || continue
    id=$(printf '%s\n' "$members" | sed -n "s/^\([0-9]*\) ${line#*@}\$/\\1/p")
    [ -z "$id" ] || ids=$ids,$id
  done
  echo "$ids"
}

look
case $verb in
  probe)
    [ "$role" = master ] && acting=true || acting=false
    echo "{\"acting\":$acting,\"instance\":\"$(field run_id)\"}"
    ;;
  offsets)
    if [ "$role" = master ]; then
      echo "{\"epoch\":$known,\"offset\":\"$(field master_repl_offset)\",\"inSync\":[$(in_sync)]}"
    else
      echo "{\"epoch\":$known,\"offset\":\"$(field slave_repl_offset)\"}"
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
    [ "$role,$(field master_host):$(field master_port)" = "slave,$master" ] ||
      redis REPLICAOF "${master%:*}" "${master##*:}"
    look
    [ "$role,$(field master_host):$(field master_port)" = "slave,$master" ] || exit "$no"
    ;;
esac
exit "$yes"
