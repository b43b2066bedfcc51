# MariaDB, which is Debian's MySQL, on new data. It speaks first, and has TLS with a certificate that it makes itself.
set -eu
data=/data/mysql
mkdir -p "$data"
mariadb-install-db --no-defaults --datadir="$data/main" --auth-root-authentication-method=normal --skip-test-db --force \
  --innodb-log-file-size=8M > /dev/null
cat > "$data/init.sql" << END
CREATE DATABASE proof;
CREATE USER proof@'%' IDENTIFIED BY 'proof';
GRANT ALL ON proof.* TO proof@'%';
END
exec mariadbd --no-defaults --datadir="$data/main" --socket="$data/socket" --pid-file="$data/pid" --bind-address=0.0.0.0 --port=3306 \
  --skip-name-resolve --max-allowed-packet=64M --innodb-log-file-size=8M --innodb-flush-log-at-trx-commit=0 --init-file="$data/init.sql"
