#!/usr/bin/env bash
# A real Slurm cluster on one machine, for tests: munged, slurmctld and a few slurmd.
#
#   slurm_cluster.sh up FOLDER [NODES [CPUS]]      (2 nodes of 4 CPUs)
#   . FOLDER/env.sh                                  then sbatch, srun, squeue, ... speak to it
#   slurm_cluster.sh down FOLDER
#
# Needs root and Debian's slurm-wlm and munge; no systemd, no cgroups, no database. Keys,
# configuration, spool and logs all lie in FOLDER, whose path must be short (Unix sockets). The nodes
# listen on the loopback interface only. Each has a host name and a /dev/shm of its own, because
# Open MPI names its shared-memory files after the host.
set -euo pipefail

fail() {
  echo "slurm_cluster: $*" >&2
  exit 1
}
(($# >= 2)) || fail "usage: $0 up|down FOLDER [NODES [CPUS]]"
action=$1
folder=$(realpath -m "$2")
nodes=${3:-2}
cpus=${4:-4}

# running FILE NAME: the process whose number is in FILE is there and is NAME, no zombie.
running() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 1
  [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$2" ]] && ! grep -q '^State:.Z' "/proc/$pid/status"
}

stop_daemon() {
  local pid tenths
  running "$1" "$2" || return 0
  pid=$(cat "$1")
  kill -TERM "$pid" 2>/dev/null || true
  for ((tenths = 0; tenths < 50; tenths++)); do
    running "$1" "$2" || return 0
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
}

# The first of `nodes + 1` neighbouring ports that nobody listens on.
free_ports() {
  local first port
  for ((first = 21000; first < 31000; first += 50)); do
    for ((port = first; port <= first + nodes; port++)); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
    done
    echo "$first"
    return
  done
  fail "no free ports"
}

write_configuration() {
  local host port i
  host=$(hostname -s)
  port=$(free_ports)
  mkdir -p "$folder"/{run,log,state,munge}
  chmod 755 "$folder" "$folder/run"
  chmod 700 "$folder/munge"
  (umask 077 && head -c 256 /dev/urandom >"$folder/munge/key")
  for ((i = 1; i <= nodes; i++)); do
    mkdir -p "$folder/spool/node$i" "$folder/tmp/node$i"
  done
  { cat /etc/hosts && for ((i = 1; i <= nodes; i++)); do echo "127.0.0.1 node$i"; done; } \
    >"$folder/hosts"
  # shellcheck disable=SC2016  # expanded when a task starts
  printf '#!/bin/sh\necho "export TMPDIR=%s/tmp/$SLURMD_NODENAME"\n' "$folder" >"$folder/prolog"
  chmod 755 "$folder/prolog"
  cat >"$folder/slurm.conf" <<CONF
ClusterName=axltest
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits until its old credential has expired; two minutes are too long for a test.
AuthInfo=socket=$folder/run/munge.sock,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
# PMIx keeps its sockets there, named after the job alone.
TmpFS=$folder/tmp/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
TaskProlog=$folder/prolog
MpiDefault=pmix
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,batch_sched_delay=0
ReturnToService=2
JobRequeue=1
KillWait=10
MinJobAge=900
MailProg=/bin/true
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  for ((i = 1; i <= nodes; i++)); do
    echo "NodeName=node$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + i)) CPUs=$cpus" \
      "RealMemory=2048 State=UNKNOWN" >>"$folder/slurm.conf"
  done
  # Ranks of different nodes talk TCP over the loopback, which Open MPI leaves out by default.
  cat >"$folder/env.sh" <<ENV
export SLURM_CONF=$folder/slurm.conf
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
ENV
}

up() {
  local tool i tries start
  [[ $EUID -eq 0 ]] || fail "needs root"
  for tool in munged slurmctld slurmd sinfo; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install slurm-wlm munge"
  done
  ((${#folder} <= 60)) || fail "the path is too long for Unix sockets: $folder"
  [[ -e $folder/env.sh ]] || write_configuration
  # shellcheck source=/dev/null
  . "$folder/env.sh"

  if ! running "$folder/run/munged.pid" munged; then
    munged --force --socket="$folder/run/munge.sock" --key-file="$folder/munge/key" \
      --pid-file="$folder/run/munged.pid" --log-file="$folder/munge/log" \
      --seed-file="$folder/munge/seed" </dev/null >/dev/null 2>&1 || fail "munged did not start"
  fi
  if ! running "$folder/run/slurmctld.pid" slurmctld; then
    slurmctld -f "$SLURM_CONF" </dev/null >/dev/null 2>&1 || fail "slurmctld did not start"
  fi
  for ((i = 1; i <= nodes; i++)); do
    if running "$folder/run/slurmd.node$i.pid" slurmd; then continue; fi
    # shellcheck disable=SC2016  # expanded by the inner shell
    start='hostname "$1" && mount -t tmpfs -o mode=1777 none /dev/shm &&
      mount --bind "$2" /etc/hosts && exec slurmd -f "$SLURM_CONF" -N "$1"'
    unshare --uts --mount sh -c "$start" sh "node$i" "$folder/hosts" </dev/null >/dev/null 2>&1 ||
      fail "slurmd of node$i did not start (it needs a host name and a /dev/shm of its own)"
  done
  for ((tries = 0; tries < 300; tries++)); do
    if [[ $(sinfo -h -N -o %T 2>/dev/null | grep -cx idle) -eq $nodes ]]; then
      echo "slurm_cluster: $nodes nodes are up"
      return
    fi
    sleep 0.1
  done
  fail "the nodes did not come up within 30 s: see $folder/log"
}

down() {
  local file tries
  [[ -e $folder/env.sh ]] || return 0
  # shellcheck source=/dev/null
  . "$folder/env.sh"
  if running "$folder/run/slurmctld.pid" slurmctld; then
    timeout 10 squeue -h -o %A 2>/dev/null | xargs -r timeout 10 scancel 2>/dev/null || true
    for ((tries = 0; tries < 150; tries++)); do
      [[ -n $(timeout 10 squeue -h 2>/dev/null) ]] || break
      sleep 0.1
    done
  fi
  for file in "$folder"/run/slurmd.*.pid; do stop_daemon "$file" slurmd; done
  stop_daemon "$folder/run/slurmctld.pid" slurmctld
  stop_daemon "$folder/run/munged.pid" munged
  echo "slurm_cluster: down"
}

case $action in
  up | down) "$action" ;;
  *) fail "unknown action: $action" ;;
esac
