#!/usr/bin/env bash
# A real Slurm of one pretend node on this machine, for the tests: no systemd, no cgroups, no accounting.
#   tests/cluster/slurm.sh up      start it, or whichever of its daemons died; as root
#   tests/cluster/slurm.sh down    cancel its jobs, stop it and remove everything it wrote
# Everything is below one folder, but for a link to its configuration where every command of Slurm looks
# for it: Snakemake's plugin takes SLURM_CONF away from its job steps. A Slurm of the machine's own is
# left alone.
# The node claims 4 processors, 64 GB and one GPU, whatever the machine has: only bookkeeping rests on
# it, and the tests meet the same node everywhere.
set -euo pipefail

STATE=/run/bioagree-slurm
CONF=$STATE/slurm.conf
LINK=/etc/slurm/slurm.conf
SBIN=/usr/sbin
unset SLURM_CONF

die() {
  echo "slurm.sh: $*" >&2
  exit 1
}

# alive NAME: is the daemon whose pid file this is still running?
alive() {
  local pid
  pid=$(cat "$STATE/$1.pid" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]
}

# until_true SECONDS COMMAND…: repeat a command until it succeeds.
until_true() {
  local tries=$(($1 * 10))
  shift
  until "$@" >/dev/null 2>&1; do
    ((tries-- > 0)) || return 1
    sleep 0.1
  done
}

node_is_up() { sinfo --noheader --format=%T | grep -Eqx 'idle|mixed|allocated|completing'; }
no_jobs() { [ -z "$(squeue --noheader)" ]; }

ours() { [ "$(readlink "$LINK")" = "$CONF" ]; }

configure() {
  local host
  host=$(hostname -s)
  install -d -m 0755 "$STATE"
  install -d -m 0755 "$STATE/controller" "$STATE/node"
  install -d -o munge -g munge -m 0755 "$STATE/munge"
  if [ ! -s "$STATE/munge/key" ]; then
    head -c 1024 /dev/urandom >"$STATE/munge/key"
    chown munge: "$STATE/munge/key"
    chmod 0400 "$STATE/munge/key"
  fi
  cat >"$CONF" <<CONF
ClusterName=bioagree
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$STATE/munge/socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
# Memory is watched every second, and who takes more than it asked for is killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
# Finished jobs stay known for an hour, so that a test can ask when each ran and what it held.
MinJobAge=3600
# Who waits for the GPU keeps nobody from the processors beside it, though both are one node.
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=1,bf_min_prio_reserve=4294967294
KillWait=2
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=300
StateSaveLocation=$STATE/controller
SlurmdSpoolDir=$STATE/node
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/slurmd.pid
SlurmctldLogFile=$STATE/slurmctld.log
SlurmdLogFile=$STATE/slurmd.log
NodeName=pretend NodeHostname=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=64000 Gres=gpu:1
PartitionName=cpu Nodes=pretend Default=YES
PartitionName=gpu Nodes=pretend
CONF
  # A device file makes Slurm hand the GPU out; a count alone does not, and drains the node.
  echo "NodeName=pretend Name=gpu File=/dev/null" >"$STATE/gres.conf"
  mkdir -p "$(dirname $LINK)"
  ln -sfn "$CONF" $LINK
}

up() {
  local program
  [ "$(id -u)" = 0 ] || die "must be run as root, since Slurm starts jobs for other users"
  for program in munged slurmctld slurmd sbatch srun; do
    PATH=$PATH:$SBIN command -v $program >/dev/null ||
      die "$program is not installed; tests/install-heavy.sh installs it"
  done
  [ ! -e $LINK ] || ours || die "this machine has a Slurm already: $LINK"
  configure
  if ! alive munged; then
    rm -f "$STATE/munge/socket"*
    runuser -u munge -- $SBIN/munged --key-file="$STATE/munge/key" --socket="$STATE/munge/socket" \
      --pid-file="$STATE/munge/munged.pid" --log-file="$STATE/munge/log" \
      --seed-file="$STATE/munge/seed" || die "munged did not start; see $STATE/munge/log"
    ln -sf munge/munged.pid "$STATE/munged.pid"
  fi
  alive slurmctld || $SBIN/slurmctld -f "$CONF"
  until_true 20 scontrol ping || die "slurmctld does not answer; see $STATE/slurmctld.log"
  alive slurmd || $SBIN/slurmd -f "$CONF" -N pretend
  until_true 20 node_is_up || die "the node is not ready: $(sinfo -h -o '%T %E'); see $STATE/slurmd.log"
  echo "Slurm is up"
}

down() {
  local name pid
  if ours && alive slurmctld && alive munged; then
    scancel --user=root --quiet || true
    until_true 15 no_jobs || echo "slurm.sh: some jobs did not end" >&2
  fi
  for name in slurmd slurmctld munged; do
    alive $name || continue
    pid=$(cat "$STATE/$name.pid")
    kill "$pid"
    until_true 10 test ! -e "/proc/$pid" || kill -KILL "$pid"
  done
  ! ours || rm $LINK
  rm -rf "$STATE"
}

case "${1:-}" in
  up | down) "$1" ;;
  *) die "say 'up' or 'down'" ;;
esac
