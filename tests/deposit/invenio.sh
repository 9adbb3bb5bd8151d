#!/usr/bin/env bash
# A real InvenioRDM on loopback, for the tests: SQLite, Redis, a stand-in for OpenSearch, no DataCite.
#   tests/deposit/invenio.sh install  Redis from Debian's packages (as root), InvenioRDM from PyPI
#   tests/deposit/invenio.sh up       start it empty, or say that it runs
#   tests/deposit/invenio.sh down     stop it and remove all records; the installation stays
# Everything is below one folder of the user's cache. Two users own tokens there: `steward`, and
# `pauper`, whose records hold 3,000 bytes and whose files 2,000. Needs uv, and Python 3.11 which uv finds.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
FOLDER=${XDG_CACHE_HOME:-$HOME/.cache}/bioagree-invenio
LOCK=$HERE/requirements.txt
PYTHON=$FOLDER/environment/bin/python
export INVENIO_INSTANCE_PATH=$FOLDER/instance
export BIOAGREE_INVENIO_PORT=15600 BIOAGREE_INVENIO_SEARCH_PORT=15601 BIOAGREE_INVENIO_REDIS_PORT=15602
# Records are stamped with the time of the server, and compared with Greenwich.
export TZ=UTC PYTHONWARNINGS=ignore

die() {
  echo "invenio.sh: $*" >&2
  exit 1
}

# alive NAME: does the process run whose identifier was noted when it was started?
alive() {
  local pid
  pid=$(cat "$INVENIO_INSTANCE_PATH/$1.pid" 2>/dev/null) || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "$2"
}

# until_true SECONDS COMMAND…: repeat a command until it succeeds.
until_true() {
  local tries=$(($1 * 5))
  shift
  until "$@" >/dev/null 2>&1; do
    ((tries-- > 0)) || return 1
    sleep 0.2
  done
}

# start NAME COMMAND…: in the background, in a session of its own, writing to NAME.log
start() {
  local name=$1
  shift
  setsid "$@" >"$INVENIO_INSTANCE_PATH/$name.log" 2>&1 </dev/null &
  echo $! >"$INVENIO_INSTANCE_PATH/$name.pid"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
api_answers() {
  "$PYTHON" -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:$BIOAGREE_INVENIO_PORT/api/vocabularies/licenses/cc-by-4.0', timeout=5)"
}

install() {
  if ! command -v redis-server >/dev/null; then
    [ "$(id -u)" = 0 ] || die "redis-server is not installed, and only root can install it"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server
  fi
  command -v uv >/dev/null || die "uv is not on the PATH"
  cmp -s "$LOCK" "$FOLDER/environment/requirements.txt" && return
  mkdir -p "$FOLDER"
  uv venv --quiet --clear --no-project --python 3.11 "$FOLDER/environment"
  uv pip install --quiet --python "$PYTHON" --requirement "$LOCK"
  cp "$LOCK" "$FOLDER/environment/requirements.txt"
}

up() {
  [ -e "$FOLDER/environment/requirements.txt" ] || die "not installed; say 'invenio.sh install'"
  if alive api serve.py && api_answers; then
    echo "InvenioRDM is up"
    return
  fi
  down
  mkdir -p "$INVENIO_INSTANCE_PATH"
  for port in $BIOAGREE_INVENIO_PORT $BIOAGREE_INVENIO_SEARCH_PORT $BIOAGREE_INVENIO_REDIS_PORT; do
    ! answers "$port" || die "something else listens on port $port of this machine"
  done
  start redis redis-server --port "$BIOAGREE_INVENIO_REDIS_PORT" --bind 127.0.0.1 --save "" \
    --appendonly no --dir "$INVENIO_INSTANCE_PATH"
  start search "$PYTHON" "$HERE/server/search.py"
  until_true 20 answers "$BIOAGREE_INVENIO_REDIS_PORT" || die "see $INVENIO_INSTANCE_PATH/redis.log"
  until_true 20 answers "$BIOAGREE_INVENIO_SEARCH_PORT" || die "see $INVENIO_INSTANCE_PATH/search.log"
  "$PYTHON" "$HERE/server/fill.py" >"$INVENIO_INSTANCE_PATH/fill.log" 2>&1 ||
    die "the database could not be made; see $INVENIO_INSTANCE_PATH/fill.log"
  start api "$PYTHON" "$HERE/server/serve.py"
  until_true 120 api_answers || die "it does not answer; see $INVENIO_INSTANCE_PATH/api.log"
  echo "InvenioRDM is up"
}

down() {
  local name program pid
  while read -r name program; do
    alive "$name" "$program" || continue
    pid=$(cat "$INVENIO_INSTANCE_PATH/$name.pid")
    kill "$pid"
    until_true 10 test ! -e "/proc/$pid" || kill -KILL "$pid"
  done <<<"api serve.py
search search.py
redis redis-server"
  rm -rf "$INVENIO_INSTANCE_PATH"
}

case "${1:-}" in
  install | up | down) "$1" ;;
  *) die "say 'install', 'up' or 'down'" ;;
esac
