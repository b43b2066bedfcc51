# PostgreSQL on new data, with TLS of its own that it offers to everybody (ssl = on): clients probe for it.
set -eu
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
data=/data/postgres
mkdir -p "$data"
echo proof > /data/postgres.password
initdb --pgdata="$data/main" --username=proof --pwfile=/data/postgres.password --auth-host=scram-sha-256 --locale=C.UTF-8 --no-sync > /dev/null
echo "host all all all scram-sha-256" >> "$data/main/pg_hba.conf"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 -subj /CN=postgres -keyout "$data/key.pem" -out "$data/cert.pem" 2> /dev/null
chmod 600 "$data/key.pem"
exec postgres -D "$data/main" -c listen_addresses=* -c unix_socket_directories="$data" -c jit=off -c fsync=off \
  -c ssl=on -c ssl_cert_file="$data/cert.pem" -c ssl_key_file="$data/key.pem"
