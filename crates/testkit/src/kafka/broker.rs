//! One broker: its folder, its settings, its process.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};

use super::{Certificates, KafkaOptions, PASSWORD, USER, free_port, jars};
use crate::{eventually, process};

/// Any will do: the folders are new.
const CLUSTER: &str = "MkU3OEVBNTcwNTJENDM2Qg";
/// Runs a program, says its id, and ends it when standard input closes: also when the test process is killed.
const WATCH: &str = r#"folder=$1; shift; "$@" & child=$!; echo $child > "$folder/pid.new"; mv "$folder/pid.new" "$folder/pid"; cat > /dev/null; kill -KILL $child 2>/dev/null; wait $child"#;
/// An orderly stop hands over partitions first.
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// Where a broker listens.
pub(super) struct Ports {
    client: u16,
    pub internal: u16,
    controller: u16,
    pub sasl: u16,
    pub tls: u16,
}

pub(super) struct Broker {
    folder: PathBuf,
    jars: PathBuf,
    pub ports: Ports,
    secured: bool,
    watcher: Option<Child>,
}

/// Writes the settings of all brokers.
pub(super) fn lay_out(options: &KafkaOptions, folder: &Path, certificates: Option<&Certificates>) -> anyhow::Result<Vec<Broker>> {
    let jars = jars()?;
    let mut brokers = Vec::new();
    for number in 1..=options.brokers {
        let folder = folder.join(number.to_string());
        std::fs::create_dir_all(&folder)?;
        let ports = Ports { client: free_port()?, internal: free_port()?, controller: free_port()?, sasl: free_port()?, tls: free_port()? };
        brokers.push(Broker { folder, jars: jars.clone(), ports, secured: options.secured, watcher: None });
    }
    let voters: Vec<String> =
        brokers.iter().enumerate().map(|(nth, broker)| format!("{}@127.0.0.1:{}", nth + 1, broker.ports.controller)).collect();
    for (nth, broker) in brokers.iter().enumerate() {
        let advertised = options.advertised.get(nth).copied().unwrap_or(broker.ports.client);
        let mut text = settings(nth + 1, options.brokers, broker, advertised, &voters.join(","));
        if let Some(certificates) = certificates {
            text.push_str(&secured(certificates));
        }
        std::fs::write(broker.folder.join("server.properties"), text)?;
    }
    Ok(brokers)
}

fn settings(node: usize, brokers: usize, broker: &Broker, advertised: u16, voters: &str) -> String {
    let Ports { client, internal, controller, sasl, tls } = broker.ports;
    let (replication, in_sync) = if brokers >= 3 { (3, 2) } else { (1, 1) };
    let data = broker.folder.join("data").display().to_string();
    let (more, more_advertised, more_protocols) = if broker.secured {
        (
            format!(",AUTH://127.0.0.1:{sasl},CERT://127.0.0.1:{tls}"),
            format!(",AUTH://localhost:{sasl},CERT://localhost:{tls}"),
            ",AUTH:SASL_SSL,CERT:SSL",
        )
    } else {
        Default::default()
    };
    format!(
        "process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=CLIENT://127.0.0.1:{client},INTERNAL://127.0.0.1:{internal},CONTROLLER://127.0.0.1:{controller}{more}
advertised.listeners=CLIENT://127.0.0.1:{advertised},INTERNAL://127.0.0.1:{internal}{more_advertised}
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
listener.security.protocol.map=CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT{more_protocols}
log.dirs={data}
auto.create.topics.enable=false
num.partitions=1
num.network.threads=2
num.io.threads=4
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replication}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={replication}
transaction.state.log.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
replica.lag.time.max.ms=4000
controlled.shutdown.enable=true
log.segment.delete.delay.ms=1000
log.cleaner.dedupe.buffer.size=8388608
"
    )
}

fn secured(certificates: &Certificates) -> String {
    format!(
        "ssl.keystore.type=PEM
ssl.keystore.location={}
ssl.truststore.type=PEM
ssl.truststore.location={}
listener.name.cert.ssl.client.auth=required
listener.name.auth.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.auth.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";
listener.name.auth.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
",
        certificates.server.display(),
        certificates.ca.display(),
    )
}

impl Broker {
    pub fn client_port(&self) -> u16 {
        self.ports.client
    }

    pub fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn java(&self) -> Vec<String> {
        let log4j = "-Dorg.apache.logging.log4j.simplelog.StatusLogger.level=OFF";
        let mut words: Vec<String> =
            ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", log4j, "-cp"].map(String::from).into();
        words.push(format!("{}/*", self.jars.display()));
        words
    }

    /// Prepares the folder; the caller waits.
    pub fn format(&self) -> anyhow::Result<Child> {
        let words = self.java();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c"]);
        command.arg(self.folder.join("server.properties"));
        if self.secured {
            command.args(["--add-scram", &format!("SCRAM-SHA-256=[name={USER},password={PASSWORD}]")]);
        }
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().context("Java 17 is needed")
    }

    pub fn start(&mut self) -> anyhow::Result<()> {
        ensure!(self.watcher.is_none(), "this broker runs already");
        let _ = std::fs::remove_file(self.folder.join("pid"));
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        let mut command = Command::new("sh");
        command.args(["-c", WATCH, "sh"]).arg(&self.folder).args(self.java()).arg("kafka.Kafka").arg(self.folder.join("server.properties"));
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).process_group(0);
        self.watcher = Some(command.spawn()?);
        Ok(())
    }

    pub fn is_running(&self) -> bool {
        self.watcher.is_some()
    }

    pub fn pid(&self) -> anyhow::Result<u32> {
        ensure!(self.is_running(), "this broker does not run");
        Ok(std::fs::read_to_string(self.folder.join("pid"))?.trim().parse()?)
    }

    pub async fn end(&mut self, signal: &str) -> anyhow::Result<()> {
        let pid = self.pid()?;
        process::kill(pid, signal).await?;
        let proc = PathBuf::from(format!("/proc/{pid}/stat"));
        // The shell reaps it only after its input closed: until then a zombie is as good as gone.
        let gone = eventually(STOP_WITHIN, async || {
            let stat = std::fs::read_to_string(&proc).unwrap_or_default();
            stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z')).then_some(())
        });
        gone.await.context("the broker does not end")?;
        self.reap();
        Ok(())
    }

    /// What it said last, if it ended by itself.
    pub fn ended(&mut self) -> Option<String> {
        let pid = self.is_running().then(|| self.pid().ok()).flatten()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z')).then(|| self.said())
    }

    pub fn said(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    fn reap(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            drop(watcher.stdin.take());
            let _ = watcher.wait();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(watcher) = &self.watcher {
            process::kill_group_now(watcher.id());
        }
        self.reap();
    }
}
