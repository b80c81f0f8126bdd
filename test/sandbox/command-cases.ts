import { join } from "node:path";
import { projectDirectory } from "../support/project-directory.ts";

/** A real command, run directly on a copy and in a session; the resulting trees must be equal. */
export interface CommandCase {
  readonly name: string;
  readonly script: string;
  /** Programs without which the case says nothing. */
  readonly needs?: readonly string[];
  /** Paths whose modification times the command sets and which must survive. */
  readonly times?: (path: string) => boolean;
}

/** Fixed names and dates, so that two runs make the same objects. */
const git =
  "export GIT_AUTHOR_DATE='2026-01-02T03:04:05Z' GIT_COMMITTER_DATE='2026-01-02T03:04:05Z' " +
  "GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b " +
  "GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; ";

const compiler = join(projectDirectory(), "node_modules", "typescript", "bin", "tsc");

const repository = `${git} git init -q -b main . && git add -A && git commit -qm one && `;

/** The tree that every case starts from. */
export const caseFiles: Readonly<Record<string, string>> = {
  "README.md": "# Title\n\nfoo bar\n",
  "src/a.txt": "alpha\n",
  "src/b.txt": "beta\n",
  "src/deep/er/c.txt": "gamma\n",
  "src/deep/d.txt": "delta\n",
  "docs/one.md": "one\n",
  "docs/two.md": "two\n",
  "data/list.csv": "a,1\nb,2\nc,3\n",
  "empty/.keep": "",
  "main.c": '#include <stdio.h>\nint main(void) { puts("hi"); return 0; }\n',
  Makefile: "all: out.txt\nout.txt: src/a.txt\n\ttr a-z A-Z <src/a.txt >out.txt\n",
  "space name/ünï\tcode 'q\".txt": "odd\n",
};

/** Commands that take milliseconds. */
export const quickCases: readonly CommandCase[] = [
  { name: "append", script: "echo more >> src/a.txt" },
  { name: "truncate by redirection", script: ": > src/a.txt" },
  { name: "truncate -s", script: "truncate -s 2 src/b.txt; truncate -s 100000 data/list.csv" },
  { name: "dd into the middle", script: "printf XY | dd of=src/b.txt bs=1 seek=2 conv=notrunc" },
  { name: "dd of a sparse file", script: "dd if=/dev/zero of=sparse bs=1 count=1 seek=5000000" },
  { name: "sed -i", script: "sed -i s/foo/FOO/ README.md; sed -i s/a/b/ src/*.txt" },
  {
    name: "containers/fuse-overlayfs#151, #138: names by which others hide what is below",
    script: "touch .wh.src src/.wh.a.txt docs/.wh..wh..opq .wh..wh..opq; rm src/a.txt; ls -A",
  },
  { name: "rm a file", script: "rm src/a.txt" },
  { name: "rm -rf a directory", script: "rm -rf src" },
  { name: "rm and make the directory anew", script: "rm -rf src; mkdir src; echo x > src/n" },
  {
    name: "an opaque directory in an opaque one",
    script: "rm -rf src; mkdir -p src/deep; > src/deep/z",
  },
  { name: "empty a directory", script: "rm -rf src/* && rmdir src" },
  { name: "a directory becomes a file", script: "rm -rf src; echo file > src" },
  { name: "a file becomes a directory", script: "rm README.md; mkdir README.md; > README.md/x" },
  { name: "a file becomes a link", script: "ln -sf docs/one.md README.md" },
  { name: "a directory becomes a link", script: "rm -rf src; ln -s docs src; echo x > src/via" },
  { name: "a link becomes a directory", script: "ln -s docs l; rm l; mkdir l; echo x > l/y" },
  { name: "mv a file", script: "mv src/a.txt docs/moved.txt" },
  { name: "mv over a file", script: "mv src/a.txt src/b.txt" },
  { name: "mv a directory", script: "mv src source" },
  { name: "mv a directory into another", script: "mv src docs/" },
  { name: "mv a chain", script: "mv docs tmp; mv src docs; mv tmp src" },
  { name: "mv -T over an empty directory", script: "rm empty/.keep; mv -T docs empty" },
  { name: "cp -a of a tree", script: "cp -a src copy", times: (path) => path.startsWith("copy") },
  { name: "cp -r over a tree", script: "cp -r docs/. src/" },
  { name: "hard links to old files", script: "ln src/a.txt h1; ln -f src/a.txt README.md" },
  { name: "hard links to what is gone then", script: "ln src/a.txt h1; ln h1 h2; rm src/a.txt" },
  {
    name: "hard links to old files, changed",
    script: "ln src/a.txt h1; echo y >> h1; chmod 600 h1",
  },
  { name: "hard links to old files, touched", script: "ln src/a.txt h1; touch -d 2001-02-03 h1" },
  { name: "hard links to touched files", script: "chmod 640 src/b.txt; ln src/b.txt h1" },
  {
    name: "hard links, the old name replaced",
    script: "ln src/a.txt h1; ln h1 h2; echo n > n; mv n src/a.txt",
  },
  { name: "hard links", script: "echo x > h1; ln h1 h2; ln h2 src/h3; echo y >> h2" },
  {
    name: "symbolic links",
    script: "ln -s src/a.txt in; ln -s /etc/passwd out; ln -s nowhere gone",
  },
  { name: "writing through a link", script: "ln -s src/a.txt in; echo via >> in" },
  {
    name: "touch with a date",
    script: "touch -d '2001-02-03 04:05:06.123456' src/a.txt docs",
    times: (path) => path === "src/a.txt" || path === "docs",
  },
  { name: "chmod", script: "chmod 600 README.md; chmod 755 src/a.txt; chmod 700 docs" },
  { name: "chmod -R", script: "chmod -R go-rwx src" },
  {
    name: "a directory that cannot be read",
    script: "mkdir locked; > locked/in; chmod 000 locked; chmod 755 locked",
  },
  { name: "a read-only tree", script: "mkdir ro; echo x > ro/f; chmod 444 ro/f; chmod 555 ro" },
  { name: "setgid and sticky", script: "mkdir sticky; chmod 1777 sticky; mkdir sg; chmod 2755 sg" },
  { name: "find -delete", script: "find . -name '*.txt' -delete" },
  { name: "find -exec", script: "find docs -type f -exec sh -c 'tr a-z A-Z <$1 >$1.up' _ {} \\;" },
  {
    name: "tar out and in",
    script: "tar cf t.tar src docs; rm -rf src docs; tar xpf t.tar; rm t.tar",
    times: (path) => /^(src|docs)/.test(path),
  },
  {
    name: "patch",
    script:
      "printf -- '--- a/README.md\\n+++ b/README.md\\n@@ -1,3 +1,3 @@\\n-# Title\\n+# Other\\n \\n foo bar\\n' | patch -p1",
    needs: ["patch"],
  },
  {
    name: "diff and sort",
    script: "sort -r data/list.csv -o data/list.csv; split -l 1 data/list.csv data/part-",
  },
  {
    name: "gzip and gunzip",
    script: "gzip -n docs/one.md; gzip -nk docs/two.md; gunzip docs/one.md.gz",
    times: (path) => path.startsWith("docs/"),
  },
  {
    name: "odd names",
    script:
      "cd 'space name'; for f in *; do cp \"$f\" \"$f.copy\"; done; > '-dash'; > 'new\nline'; > '…'",
  },
  {
    name: "many files",
    script: "mkdir m; i=0; while [ $i -lt 300 ]; do echo $i > m/f$i; i=$((i+1)); done",
  },
  {
    name: "a deep path",
    script:
      "p=; i=0; while [ $i -lt 40 ]; do p=$p/dir$i; i=$((i+1)); done; mkdir -p .$p; echo x > .$p/f",
  },
  { name: "a temporary file renamed into place", script: "echo new > .tmp; mv .tmp src/a.txt" },
  {
    name: "rsync of a tree, and once more with a deletion",
    script: "rsync -a src/ copy/; rm copy/a.txt; echo x > copy/x; rsync -a --delete src/ copy/",
    needs: ["rsync"],
    // Of a directory made in the second in which the source was, rsync does not set the time.
    times: (path) => /^copy\/.*\.txt$/.test(path),
  },
  { name: "make and remove within one run", script: "mkdir t; > t/x; rm -rf t; > y; rm y" },
  { name: "make", script: "make -s; touch -d 2000-01-01 out.txt; make -s", needs: ["make"] },
  {
    name: "a file still held open",
    script: "exec 5>>src/a.txt; echo one >&5; sh -c 'echo two >&5'; rm src/b.txt; exec 5>&-",
  },
  {
    name: "awk and tee",
    script: "awk -F, '{print $2}' data/list.csv | tee data/numbers src/a.txt >/dev/null",
  },
  { name: "install", script: "install -m 750 README.md bin-tool; install -d -m 711 x/y/z" },
  {
    name: "python writes a tree",
    script:
      "python3 -c \"import os,shutil; shutil.copytree('src','py'); os.rename('py/a.txt','py/z'); os.link('py/z','py/hard'); os.symlink('z','py/soft')\"",
    needs: ["python3"],
  },
  {
    name: "sqlite3 in wal mode",
    script:
      "sqlite3 db 'pragma journal_mode=wal; create table t(a); insert into t values (1),(2);' >/dev/null; sqlite3 db 'delete from t where a=1'",
    needs: ["sqlite3"],
  },
];

/** Commands that take seconds, or that need more than a shell. */
export const longCases: readonly CommandCase[] = [
  {
    name: "git add, commit, branch",
    script: `${repository} git checkout -qb b && echo x >> src/a.txt && git commit -qam two && git checkout -q main`,
  },
  {
    name: "git stash",
    script: `${repository} echo x >> src/a.txt && git stash -q && git stash pop -q`,
  },
  {
    name: "git rebase",
    script: `${repository} git checkout -qb b && echo x > n && git add n && git commit -qm n && git checkout -q main && echo y > m && git add m && git commit -qm m && git rebase -q b`,
  },
  {
    name: "git mv of a file and rm",
    script: `${repository} git mv src/a.txt src/z.txt && git rm -q docs/one.md && git commit -qm moved`,
  },
  {
    name: "git clone, fetch and gc",
    script: `${repository} git clone -q . clone && cd clone && git config remote.origin.url .. && git gc -q && git fsck --strict`,
  },
  {
    name: "git clean and restore",
    script: `${repository} rm src/a.txt && > junk && git restore . && git clean -qfd`,
  },
  {
    name: "gcc and make",
    script:
      "gcc -o prog main.c && ./prog > out && printf 'all: p2\np2: main.c\n\tgcc -o p2 main.c\n' > Makefile && make -s",
    needs: ["gcc", "make"],
  },
  {
    name: "npm install of local packages, ci and uninstall",
    script: `mkdir -p one two && printf '{"name":"one","version":"1.0.0"}' > one/package.json && printf '{"name":"two","version":"1.0.0"}' > two/package.json && printf '{"name":"app","version":"1.0.0"}' > package.json && npm pack --silent --pack-destination . ./one ./two >/dev/null && npm install --silent --no-audit --no-fund --offline ./one-1.0.0.tgz ./two-1.0.0.tgz && npm ci --silent --offline --no-audit --no-fund && npm uninstall --silent --offline one`,
    needs: ["npm"],
  },
  {
    name: "node writes with streams and watches",
    script: `node -e "
    const fs = require('fs');
    const watcher = fs.watch('docs', () => { fs.writeFileSync('seen', 'yes'); watcher.close(); });
    const stream = fs.createWriteStream('big');
    for (let i = 0; i < 2000; i++) stream.write('line ' + i + '\\n');
    stream.end(() => fs.writeFileSync('docs/new', 'x'));
  "`,
  },
  {
    name: "a dev server with a client",
    script: `node -e "
    const http = require('http'); const fs = require('fs');
    const server = http.createServer((q, r) => { fs.appendFileSync('log', q.url + '\\n'); r.end('ok'); });
    server.listen(0, '127.0.0.1', () => http.get({ port: server.address().port, path: '/x' }, (r) => {
      r.on('data', (d) => fs.writeFileSync('answer', d)); r.on('end', () => server.close()); }));
  "`,
  },
  {
    name: "tsc",
    script: `mkdir ts && printf 'export const a: number = 1;\n' > ts/a.ts && printf 'import { a } from "./a.js";\nexport const b = a + 1;\n' > ts/b.ts && ${process.execPath} ${compiler} --outDir out --declaration --sourceMap --incremental --tsBuildInfoFile out/info ts/a.ts ts/b.ts`,
  },
  {
    name: "5,000 files",
    script: "mkdir m; i=0; while [ $i -lt 5000 ]; do echo $i > m/f$i; i=$((i+1)); done; rm m/f1*",
  },
  {
    name: "a 40 MB file",
    script:
      "head -c 40000000 /dev/zero | tr '\\0' x > big; dd if=/dev/zero of=big bs=1 seek=1000 count=10 conv=notrunc",
  },
];
