#!/usr/bin/env bash
# Installs what tests beyond Python need, from Debian's packages; run it as root.
#   tests marked bioformats: Java
#   tests marked slurm: Slurm, which tests/cluster/slurm.sh starts and stops
#   tests marked debian: debootstrap
set -euo pipefail
packages=()
PATH=$PATH:/usr/sbin
command -v java >/dev/null || packages+=(default-jre-headless)
command -v slurmctld >/dev/null || packages+=(slurmctld)
command -v slurmd >/dev/null || packages+=(slurmd)
command -v sbatch >/dev/null || packages+=(slurm-client)
command -v munged >/dev/null || packages+=(munge)
command -v debootstrap >/dev/null || packages+=(debootstrap)
[ ${#packages[@]} -gt 0 ] || exit 0
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
