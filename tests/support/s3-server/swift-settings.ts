/** Ports of Swift's parts on the loopback address. */
export interface SwiftPorts {
  readonly proxy: number;
  readonly object: number;
  readonly container: number;
  readonly account: number;
  readonly memcached: number;
}

export const storageServices = ["object", "container", "account"] as const;

export const credentials = { accessKeyId: "test:tester", secretAccessKey: "testing-secret" } as const;

/** The files below /etc/swift of a whole Swift with one disk, which is a folder, by their names. */
export function swiftSettings(ports: SwiftPorts, disks: string): Readonly<Record<string, string>> {
  const files: Record<string, string> = {
    "swift.conf": `[swift-hash]
swift_hash_path_prefix = saveos
swift_hash_path_suffix = tests
[storage-policy:0]
name = gold
default = yes
`,
    "proxy-server.conf": proxySettings(ports),
    "rings.py": ringsProgram(ports),
  };
  for (const service of storageServices)
    files[`${service}-server.conf`] = `${common(ports[service])}devices = ${disks}
mount_check = false
fallocate_reserve = 0
[pipeline:main]
pipeline = ${service}-server
[app:${service}-server]
use = egg:swift#${service}
`;
  return files;
}

/** `log_address` is a syslog socket that is not there: what the servers print goes to their own log files then. */
function common(port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
user = root
workers = 0
log_address = /nonexistent
`;
}

function proxySettings({ proxy, memcached }: SwiftPorts): string {
  return `${common(proxy)}[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth slo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${memcached}
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
check_bucket_owner = false
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_${credentials.accessKeyId.replace(":", "_")} = ${credentials.secretAccessKey} .admin
[filter:slo]
use = egg:swift#slo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
`;
}

/** Swift finds its parts by rings. Made by its own library: its command line would be started nine times for the same. */
function ringsProgram(ports: SwiftPorts): string {
  const wanted = storageServices.map((service) => `("${service}", ${ports[service]})`).join(", ");
  return `from swift.common.ring import RingBuilder
for service, port in [${wanted}]:
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1.0, "device": "disk", "meta": "",
                     "ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port})
    builder.rebalance()
    builder.get_ring().save(service + ".ring.gz")
`;
}
