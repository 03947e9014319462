#!/bin/sh
# A member behind scripts, for tests: its state is files in FOLDER/<id>. Usage: fake-member.sh FOLDER SCRIPT < input
# Files: acting, gone, hung, unfenceable: there or not; epoch, offset, insync: their contents; log: what was asked.
input=$(cat)
id=$(printf '%s' "$input" | sed 's/.*"member":{"id":\([0-9]*\).*/\1/')
wanted=$(printf '%s' "$input" | sed -n 's/.*"epoch":\(-\{0,1\}[0-9]*\).*/\1/p')
cd "$1/$id" || exit 1
printf '%s\n' "$2 ${wanted:-}" >>log

if [ -f gone ]; then [ "$2" = fence ] && exit 0 || exit 10; fi
if [ -f hung ]; then sleep 1000; fi
epoch=$(cat epoch)
known() {
  if [ "$epoch" -gt "$wanted" ]; then
    echo "it knows of epoch $epoch" >&2
    exit 12
  fi
}
step_down() {
  known
  # Who was promoted in an epoch does not step down in it.
  if [ -f acting ] && [ "$epoch" -eq "$wanted" ]; then
    echo "it is master of epoch $epoch" >&2
    exit 12
  fi
  rm -f acting
  echo "$wanted" >epoch
}
case $2 in
  probe)
    if [ -f acting ]; then echo '{"acting":true,"instance":"a"}'; else echo '{"acting":false,"instance":"a"}'; fi
    ;;
  offsets)
    in_sync=null
    if [ -f acting ]; then in_sync=$(cat insync); fi
    echo "{\"epoch\":$epoch,\"offset\":\"$(cat offset)\",\"inSync\":$in_sync}"
    ;;
  promote)
    known
    echo "$wanted" >epoch
    : >acting
    ;;
  fence)
    if [ -f unfenceable ]; then
      echo "its power switch does not answer" >&2
      exit 10
    fi
    step_down
    ;;
  follow) step_down ;;
  *) exit 1 ;;
esac
