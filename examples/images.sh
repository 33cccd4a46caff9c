#!/bin/sh
# Makes the images of the examples from what Debian's packages have put on this machine; no registry is asked.
#
#   images.sh                 # nginx, node, postgres, redis, httpd and dnsmasq
#   images.sh nginx redis     # these
#
# An image here is: the files of some packages (dpkg -L), the libraries that their programs load (ldd), busybox for a shell, and
# a few settings (import --change). BERTH names the client: `BERTH=docker sh images.sh` works as well.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
berth=${BERTH:-$here/../bin/berth}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# Paths of packages, or of single programs, without what only people read. /lib is /usr/lib, and so on.
files() {
  for item in "$@"; do
    case $item in /*) readlink -f "$item" ;; *) dpkg -L "$item" ;; esac
  done | grep -vE '^/usr/share/(doc|man|info|locale|lintian|bug)/|/bitcode/|llvmjit' |
    while read -r path; do [ ! -f "$path" ] || echo "$path"; done
}

# The same paths, and each library that one of them loads.
closure() {
  list=$(files "$@")
  echo "$list"
  echo "$list" | grep -E '\.so(\.|$)|/s?bin/' | { xargs ldd 2>/dev/null || :; } | grep -oE '/[^ :]+\.so[^ :]*'
}

# begin PACKAGE|/PROGRAM... : a root file system with these in it.
begin() {
  for item in "$@"; do [ -e "$item" ] || dpkg -L "$item" >/dev/null; done
  rm -rf "$root" && mkdir -p "$root" && chmod 755 "$root" && cd "$root"
  mkdir -p usr/bin usr/sbin usr/lib usr/lib64 usr/local/bin etc root run var/log var/tmp tmp
  chmod 1777 tmp var/tmp
  for directory in bin sbin lib lib64; do ln -s usr/$directory $directory; done
  ln -s /run var/run
  closure "$@" | sed -E 's,^/(s?bin|lib|lib64)/,/usr/\1/,' | sort -u | tar -C / -chPT - | tar xP --transform 's,^/,,'
  cp /bin/busybox usr/bin/
  for applet in $(busybox --list); do [ -e "usr/bin/$applet" ] || ln -s busybox "usr/bin/$applet"; done
  getent passwd root nobody www-data postgres redis >etc/passwd || :
  getent group root nogroup www-data postgres redis >etc/group || :
}

# finish NAME SETTING... : imports it under that name.
finish() {
  name=$1
  shift
  changes=
  for setting in "$@"; do changes="$changes --change '$setting'"; done
  eval "tar -c . | $berth import $changes - $name >/dev/null"
  echo "$name"
}

make_nginx() {
  begin nginx nginx-common
  mkdir -p var/lib/nginx var/log/nginx
  ln -s /dev/stdout var/log/nginx/access.log
  ln -s /dev/stderr var/log/nginx/error.log
  finish nginx 'CMD ["nginx", "-g", "daemon off;"]' 'EXPOSE 80' 'STOPSIGNAL SIGQUIT'
}

# The version of PostgreSQL that is installed, '15'.
pg() { ls /usr/lib/postgresql | sort -n | tail -1; }

make_node() {
  begin "$(command -v node)" "postgresql-client-$(pg)"
  # Wherever it is on this machine.
  ln -sf "$(readlink -f "$(command -v node)")" usr/local/bin/node
  finish node 'CMD ["node"]' "ENV PATH=/usr/lib/postgresql/$(pg)/bin:/usr/local/bin:/usr/bin:/usr/sbin"
}

make_postgres() {
  begin "postgresql-$(pg)" "postgresql-client-$(pg)" tzdata
  cat >usr/local/bin/start <<'X'
#!/bin/sh
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  echo "${POSTGRES_PASSWORD:?}" >/tmp/password
  initdb --auth=scram-sha-256 --pwfile=/tmp/password --encoding=UTF8 --no-locale
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
fi
exec postgres -h '*' -k /tmp
X
  chmod 755 usr/local/bin/start
  mkdir -p data && chown postgres:postgres data
  finish postgres 'CMD ["start"]' 'USER postgres' 'VOLUME /data' "ENV PGDATA=/data/$(pg)" 'EXPOSE 5432' 'STOPSIGNAL SIGINT' \
    "ENV PATH=/usr/lib/postgresql/$(pg)/bin:/usr/local/bin:/usr/bin"
}

make_redis() {
  begin redis-server redis-tools
  mkdir -p data && chown redis:redis data
  finish redis 'CMD ["redis-server", "--bind", "* -::*", "--protected-mode", "no", "--dir", "/data", "--appendonly", "yes"]' \
    'USER redis' 'VOLUME /data' 'EXPOSE 6379'
}

make_httpd() {
  begin apache2-bin
  mkdir -p usr/local/apache2/htdocs usr/local/apache2/conf
  echo '<html><body><h1>It works!</h1></body></html>' >usr/local/apache2/htdocs/index.html
  cat >usr/local/apache2/conf/httpd.conf <<'X'
ServerName localhost
Listen 80
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
DocumentRoot /usr/local/apache2/htdocs
DirectoryIndex index.html
User www-data
Group www-data
PidFile /run/httpd.pid
ErrorLog /dev/stderr
CustomLog /dev/stdout "%h %r %>s"
X
  finish httpd 'CMD ["apache2", "-DFOREGROUND", "-f", "/usr/local/apache2/conf/httpd.conf"]' 'EXPOSE 80' 'STOPSIGNAL SIGWINCH'
}

make_dnsmasq() {
  begin dnsmasq-base
  finish dnsmasq 'ENTRYPOINT ["dnsmasq", "--keep-in-foreground", "--log-facility=-", "--user=root", "--no-resolv", "--no-hosts"]' \
    'EXPOSE 53/udp' 'EXPOSE 53/tcp'
}

[ $# -gt 0 ] || set -- nginx node postgres redis httpd dnsmasq
for image in "$@"; do "make_$image"; done
