/** A command's end. */
export interface Ended {
  readonly code: number;
  readonly output: string;
  readonly error: string;
}

/** Runs a program with what the tests may see of the environment, and more. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<Ended> {
  const inherited = Object.fromEntries(
    ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const command = new Deno.Command(program, {
    args: [...args],
    clearEnv: true,
    env: { NO_COLOR: "1", ...inherited, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, output: text(stdout), error: text(stderr) };
}

/** Waits until something holds, a bounded time. */
export async function until(what: string, holds: () => Promise<boolean>, seconds = 120): Promise<void> {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`waited ${seconds} s for: ${what}`);
}

/** A cluster of one node, of this machine's Slurm. */
export interface OneNodeSlurm {
  /** What its programs need to find it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const DAEMONS = ["munged", "slurmctld", "slurmd"] as const;

/** Why no cluster can be started here; null where one can. */
export async function whyNoSlurm(): Promise<string | null> {
  if (Deno.build.os !== "linux") return "it is for Linux";
  const { output } = await run("bash", ["-c", "id -u"]);
  if (output.trim() !== "0") return "it needs root";
  for (const name of [...DAEMONS, "sbatch"]) {
    const { code } = await run("bash", ["-c", `command -v ${name}`], { env: { PATH: PATH } });
    if (code !== 0) return `there is no ${name}: apt-get install slurm-wlm munge`;
  }
  return null;
}

/** Where Debian has programs of an administrator. */
export const PATH = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;

/** Starts a cluster of one node in a folder: its own key, ports and spool, and no accounting. */
export async function startSlurm(
  folder: string,
  options: { readonly maxArraySize: number },
): Promise<OneNodeSlurm> {
  const host = (await run("bash", ["-c", "hostname -s"])).output.trim();
  const port = 40_000 + Math.floor(Math.random() * 20_000);
  for (const name of ["ctld", "d", "log"]) await Deno.mkdir(`${folder}/${name}`, { recursive: true });
  await Deno.writeTextFile(
    `${folder}/slurm.conf`,
    `ClusterName=one
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${port}
SlurmdPort=${port + 1}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.socket
StateSaveLocation=${folder}/ctld
SlurmdSpoolDir=${folder}/d
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/log/slurmctld.log
SlurmdLogFile=${folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
MpiDefault=none
ReturnToService=2
KillWait=5
MinJobAge=3600
MaxArraySize=${options.maxArraySize}
MailProg=/bin/true
NodeName=${host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1024 State=UNKNOWN
PartitionName=all Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`,
  );
  await Deno.writeFile(`${folder}/munge.key`, crypto.getRandomValues(new Uint8Array(128)), { mode: 0o600 });
  const env = { SLURM_CONF: `${folder}/slurm.conf`, PATH };
  const start = async (name: typeof DAEMONS[number], args: readonly string[]): Promise<void> => {
    const { code, error } = await run(name, args, { env });
    if (code !== 0) throw new Error(`${name} did not start: ${error}`);
  };
  const socket = (name: string) => `${folder}/${name}`;
  await start("munged", [
    "--force",
    `--key-file=${socket("munge.key")}`,
    `--socket=${socket("munge.socket")}`,
    `--pid-file=${socket("munged.pid")}`,
    `--seed-file=${socket("munge.seed")}`,
    `--log-file=${socket("log/munged.log")}`,
  ]);
  await start("slurmctld", ["-f", env.SLURM_CONF]);
  await start("slurmd", ["-f", env.SLURM_CONF, "-N", host]);
  await until("an idle node", async () => {
    const { output } = await run("timeout", ["1", "sinfo", "--noheader", "--format=%T"], { env });
    return output.includes("idle");
  }, 60);
  return {
    env,
    async stop() {
      for (const name of [...DAEMONS].reverse()) {
        const pid = (await Deno.readTextFile(`${folder}/${name}.pid`)).trim();
        await run("bash", [
          "-c",
          `kill ${pid}; for i in {1..50}; do kill -0 ${pid} 2> /dev/null || exit 0; sleep 0.1; done`,
        ]);
      }
    },
  };
}
