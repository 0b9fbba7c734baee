#!/usr/bin/env bash
# kill_during_save.sh SAVE_LOOP RANKS ROUNDS MPIEXEC: ranks that save without end are killed (-9) at
# random moments; after each kill the newest checkpoint must verify and hold one step's state.
set -u
save_loop=$1 ranks=$2 rounds=$3 mpiexec=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for ((round = 1; round <= rounds; ++round)); do
  "$mpiexec" -n "$ranks" --oversubscribe "$save_loop" "$folder" >"$folder/log" 2>&1 &
  job=$!
  victims=
  for ((i = 0; i < 300; ++i)); do  # until ranks run and a first checkpoint is there
    victims=$(pgrep -P "$job" -f "$save_loop")
    [[ -n $victims ]] && compgen -G "$folder/checkpoint-*/manifest.json" >/dev/null && break
    sleep 0.1
  done
  if [[ -z $victims ]]; then
    echo "round $round: no rank is running"
    cat "$folder/log"
    exit 1
  fi
  sleep "0.$((RANDOM % 9))$((RANDOM % 10))"
  # One rank dies; mpiexec takes the others down, at other points of their save.
  kill -9 "$(shuf -n 1 <<<"$victims")"
  wait "$job" 2>/dev/null
  "$save_loop" "$folder" verify || { cat "$folder/log"; exit 1; }
done
echo "$rounds kills of $ranks ranks survived"
