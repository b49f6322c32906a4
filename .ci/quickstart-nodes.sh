# The story on several nodes, sourced by ./quickstart for --nodes N: `mortar dev` makes the nodes, with
# addresses and disks of their own, and the volume is spread over them. Uses `step`, `tell` and `say`.

# A loopback network on which nobody serves GlusterFS's port.
choose_network() {
  local number
  for number in $(seq 1 254); do
    if ! (exec 3<> "/dev/tcp/127.1.$number.1/24007") 2> /dev/null; then
      printf '127.1.%s' "$number"
      return
    fi
  done
  say "Something serves port 24007 on every address of this machine: a glusterd? Stop it first."
  return 1
}

stop_nodes() {
  cd /
  "$here/mortar" dev --stop --root "$dir/dev" > /dev/null
  client_logs | xargs -r rm -f --
  rm -rf --one-file-system -- "$dir"
}

on_nodes() {
  local network bricks= number group
  network=$(choose_network)
  group=qs$$n
  cd "$dir"
  tell "$nodes nodes on this machine, each with an address, a disk in a file, and a brick on a thin volume"
  step "$here/mortar dev --nodes $nodes --root $dir/dev --network $network --group $group"
  MORTAR_ROOT=$dir/dev/n1 "$here/mortar" aliases "$dir/bin" > /dev/null
  step "export MORTAR_ROOT=$dir/dev/n1 PATH=$dir/bin:\$PATH"
  step "gluster pool list"
  for number in $(seq 1 "$nodes"); do bricks="$bricks $network.$number:$dir/dev/b$number/exp"; done

  tell "A volume over all of them; any node does any command"
  step "gluster volume create KVMvolume$bricks"
  step "MORTAR_ROOT=$dir/dev/n$nodes gluster volume start KVMvolume"
  step "gluster volume status KVMvolume"
  step "mkdir volume snapshot"
  step "mount -t glusterfs $network.$nodes:/KVMvolume $dir/volume"
  step "for n in 1 2 3 4 5 6; do echo hello > volume/hello\$n; done"

  tell "A snapshot of it: a thin snapshot of every brick, at one moment"
  step "gluster snapshot create KMVS1 KVMvolume no-timestamp"
  step "gluster snapshot status KMVS1"
  step "gluster snapshot activate KMVS1"
  step "rm volume/hello1; echo changed > volume/hello2"
  step "mount -t glusterfs $network.1:/snaps/KMVS1/KVMvolume $dir/snapshot"
  step "test \"\$(cat snapshot/hello1 snapshot/hello2)\" = \"\$(printf 'hello\\nhello')\" && ls snapshot"
  step "umount $dir/snapshot"
  step "gluster --mode=script snapshot deactivate KMVS1"

  if [ "$once" = yes ]; then
    tell "Cleaning up"
    doing="cleaning up"
    umount "$dir/volume"
    stop_nodes
    [ ! -e "$dir" ] || { say "left behind: $dir"; exit 1; }
    printf 'Nothing is left.\n'
  else
    printf '\nThe volume is mounted at %s/volume\n' "$dir"
    printf 'Next:  export MORTAR_ROOT=%s/dev/n1 PATH=%s/bin:$PATH; gluster peer status\n' "$dir" "$dir"
    printf 'Stop:  umount %s/volume; %s/mortar dev --stop --root %s/dev; rm -r %s\n' \
      "$dir" "$here" "$dir" "$dir"
  fi
}

# After a failure: `mortar dev --stop`, then what is left below the directory, by its own name.
stop_nodes_by_force() {
  cd /
  local point
  for point in "$dir/snapshot" "$dir/volume"; do umount -l "$point" 2> /dev/null || true; done
  "$here/mortar" dev --stop --root "$dir/dev" > /dev/null 2>&1 || true
  clean_by_force
}
