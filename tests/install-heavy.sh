#!/usr/bin/env bash
# Installs what tests beyond Python need, from Debian's packages; run it as root.
#   tests marked bioformats: Java
set -euo pipefail
command -v java >/dev/null && exit 0
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends default-jre-headless
