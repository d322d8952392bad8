# SPDX-License-Identifier: Apache-2.0
# A directory server with five thousand entries in memory-mapped tables and searches behind it.

packages=(curl libargon2-1 libldap-2.5-0 libltdl7 libodbc2 libperl5.36 libsasl2-2 libwrap0)
unpacked=(slapd)

run() {
        local modules=$(below /usr/lib/ldap) schema=$(below /etc/ldap/schema) i

        mkdir -p "$scratch/db"
        cat >"$scratch/slapd.conf" <<X
include $schema/core.schema
include $schema/cosine.schema
include $schema/inetorgperson.schema
modulepath $modules
moduleload back_mdb
pidfile $scratch/pid
database mdb
maxsize 268435456
suffix "dc=example"
rootdn "cn=admin,dc=example"
rootpw x
directory $scratch/db
index objectClass,uid,sn eq
X
        {
                printf 'dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\no: e\ndc: example\n\n'
                for ((i = 0; i < 5000; i++)); do
                        printf 'dn: uid=u%d,dc=example\nobjectClass: inetOrgPerson\nuid: u%d\ncn: User %d\nsn: S%d\n' $i $i $i $((i % 50))
                        printf 'mail: u%d@example.org\n\n' $i
                done
        } >"$scratch/entries.ldif"
        "$(below /usr/sbin/slapd)" -Tadd -f "$scratch/slapd.conf" -l "$scratch/entries.ldif" >"$scratch/add.log" 2>&1 || true
        capture -f "$scratch/pid" -t 3 -k "
                for i in \$(seq 30); do
                        curl -s \"ldap://127.0.0.1:18389/dc=example?mail?sub?(sn=S\$i)\" >/dev/null
                done
                curl -s 'ldap://127.0.0.1:18389/dc=example??sub?(objectClass=*)' >/dev/null" -- \
                "$(below /usr/sbin/slapd)" -f "$scratch/slapd.conf" -h ldap://127.0.0.1:18389 -d 0
}
