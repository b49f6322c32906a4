# What ./mortar, ./quickstart and ./test have in common: bring a fresh Debian machine to the point
# where Mortar builds and runs. Sourced, not run. Needs root for apt; never asks a question.

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

check_node() {
  if ! command -v node > /dev/null || ! command -v npm > /dev/null; then
    say "Mortar needs Node.js 20.19 or later with npm, and finds none in PATH."
    exit 1
  fi
  if ! node -e '
      const [major, minor] = process.versions.node.split(".").map(Number);
      process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);'; then
    say "Mortar needs Node.js 20.19 or later; this is $(node --version)."
    exit 1
  fi
}

# Arguments: program:package. Installs the packages of the programs that are missing.
install_programs() {
  local entry missing=()
  PATH=$PATH:/usr/sbin:/sbin
  for entry in "$@"; do
    command -v "${entry%%:*}" > /dev/null || missing+=("${entry#*:}")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
    say "Missing: ${missing[*]}. Install these packages, or run this as root on Debian."
    exit 1
  fi
  say "Installing with apt: ${missing[*]}"
  apt-get update -q > /dev/null
  # The daemons of these packages are not wanted: glusterd would take Mortar's port.
  local policy=/usr/sbin/policy-rc.d policy_is_ours=no result=0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    policy_is_ours=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    "${missing[@]}" < /dev/null > /dev/null || result=$?
  if [ "$policy_is_ours" = yes ]; then rm -f "$policy"; fi
  if [ "$result" -ne 0 ]; then
    say "apt-get could not install: ${missing[*]}"
    exit 1
  fi
}

install_packages() {
  check_node
  local lock=$here/package-lock.json stamp=$here/node_modules/.mortar-lock
  if ! cmp -s "$lock" "$stamp"; then
    say "Installing with npm: the packages of package-lock.json"
    (cd "$here" && npm ci --no-audit --no-fund --loglevel=error > /dev/null)
    cp "$lock" "$stamp"
  fi
}

build() {
  install_packages
  (cd "$here" && node_modules/.bin/tsc -b "$@")
  (cd "$here/packages/web" && "$here/node_modules/.bin/vite" build)
}
