//! Where the demonstration lives: its folder, ports, keys, and the clouds' configuration files.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain::cloud::{Cloud, PerCloud};
use domain::event::{FieldError, Region};
use domain::key::PublicKey;
use domain::quorum::Mode;
use nix::fcntl::{Flock, FlockArg, OFlag};

use super::Options;
use super::authority::{self, Authority};
use super::chains::Chains;
use super::links::Sockets;
use crate::config::Secret;
use crate::keys::{CloudKeys, KeyError, text};
use crate::postgres::{self, EmbeddedError};
use crate::witness::{self, WitnessConfig, WitnessConfigError, WitnessError};

pub(super) const DEPLOYMENT: &str = "demo.ternion.example";
/// The name that the demonstration's clients resolve.
const SERVICE: &str = "api.ternion.example";
/// Clients of three places, by networks that nobody has (RFC 5737) and private ones.
const NETWORKS: [&str; 12] = [
    "192.0.2.0/24=gcp:us-west1",
    "198.51.100.0/24=aws:eu-west-1",
    "203.0.113.0/24=aws:ca-central-1",
    "10.1.0.0/16=gcp:us-west1",
    "10.2.0.0/16=aws:eu-west-1",
    "10.3.0.0/16=aws:ca-central-1",
    "10.4.0.0/16=aws:eu-north-1",
    "10.5.0.0/16=azure:japaneast",
    "10.6.0.0/16=gcp:southamerica-west1",
    "10.7.0.0/16=azure:centralindia",
    "10.8.0.0/16=aws:af-south-1",
    "10.9.0.0/16=gcp:australia-southeast1",
];
/// Requests a second that the demonstration expects from each region at its busiest. Invented: with
/// any one cloud gone, some find no place.
const DEMAND: [&str; 9] = [
    "gcp:us-west1=260",
    "aws:eu-west-1=310",
    "aws:ca-central-1=140",
    "aws:eu-north-1=90",
    "azure:japaneast=180",
    "gcp:southamerica-west1=70",
    "azure:centralindia=150",
    "aws:af-south-1=40",
    "gcp:australia-southeast1=60",
];
/// The witness's port, counted from the first cloud's.
const WITNESS_PORT_OFFSET: u16 = 3;
/// The ports of the development chains, counted from the first cloud's.
const CHAIN_PORT_OFFSETS: [u16; 2] = [5, 6];
/// As long as `ternion leash` leaves a node.
const NODE_STOP_MAX: Duration = Duration::from_secs(16);
/// The fault lab's port, counted from the first cloud's.
const LAB_PORT_OFFSET: u16 = 9;
/// Postgres runs under this account when the demonstration runs as root.
const ACCOUNT: &str = "postgres";

/// Why there is no demonstration.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("there is no home folder for the demonstration's data; name one with --data DIR")]
    NoHome,
    #[error(
        "another demonstration uses {}. Stop it, or choose another folder with --data and other \
         ports with --port-base", .0.display()
    )]
    Locked(PathBuf),
    #[error(
        "{} is a link or belongs to user {owner}; the demonstration writes only into folders of its \
         own. Choose another with --data: it is made", folder.display()
    )]
    Foreign { folder: PathBuf, owner: u32 },
    #[error("{at} is taken ({cause}). Stop what listens there, or choose --port-base")]
    PortTaken { at: SocketAddr, cause: io::Error },
    #[error(
        "the demonstration in {} began with --mode {kept}. What was final cannot come to mean \
         something else: leave the mode as it is, or choose another folder with --data",
        folder.display()
    )]
    Mode { folder: PathBuf, kept: String },
    #[error("--port-base {0} leaves no room for the ports above it")]
    PortRange(u16),
    #[error("{}: {cause}", path.display())]
    Io { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error(transparent)]
    WitnessConfig(#[from] WitnessConfigError),
    #[error(transparent)]
    Postgres(#[from] EmbeddedError),
    #[error("the system gives no randomness: {0}")]
    Randomness(getrandom::Error),
    #[error("the links between the clouds cannot be carried: {0}")]
    Links(io::Error),
    #[error("TLS cannot be set up on this machine: {0}")]
    Client(#[from] reqwest::Error),
    #[error("{cloud} did not start:\n{last_words}")]
    NotStarted { cloud: Cloud, last_words: String },
    #[error("the clouds were not ready within {seconds} s; see ternion.log in each cloud's folder")]
    TooSlow { seconds: u64 },
}

fn io_error(path: &Path, cause: io::Error) -> DemoError {
    DemoError::Io { path: path.to_owned(), cause }
}

/// `$XDG_DATA_HOME/ternion/demo`, by default below `~/.local/share`. Root's home is closed to
/// the account that Postgres runs under, so root's demonstration is in `/var/lib/ternion/demo`.
///
/// # Errors
/// There is no home folder.
pub fn default_folder() -> Result<PathBuf, DemoError> {
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/ternion/demo"));
    }
    let named = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = named("XDG_DATA_HOME").or_else(|| Some(named("HOME")?.join(".local/share")));
    Ok(base.ok_or(DemoError::NoHome)?.join("ternion/demo"))
}

/// Everything prepared for the clouds to start.
#[derive(Debug)]
pub(super) struct Place {
    pub data: PathBuf,
    /// Each cloud's folder; `ternion.toml` in it.
    pub folders: PerCloud<PathBuf>,
    pub addresses: PerCloud<SocketAddr>,
    pub urls: PerCloud<String>,
    pub lab_port: u16,
    pub lab_secret: Secret,
    /// The witness's configuration, in the mode that counts one.
    pub witness: Option<PathBuf>,
    /// Absent where openssl is.
    pub authority: Option<Authority>,
    pub chains: Chains,
    _lock: Flock<File>,
}

impl Place {
    /// After a cloud that had to be killed, its Postgres may still run. All clouds are stopped.
    pub fn stop_orphans(&self) {
        for (cloud, folder) in self.folders.iter() {
            if let Err(error) = postgres::stop_orphan(folder, ACCOUNT) {
                tracing::error!(%cloud, %error, "its Postgres may still be running");
            }
        }
    }
}

/// Takes the folder, checks the ports, makes keys where there are none, opens the links, and writes
/// each cloud's configuration anew.
pub(super) fn prepare(options: &Options) -> Result<(Place, Sockets), DemoError> {
    let ports = Ports::of(options)?;
    make_folder(&options.data)?;
    let data = options.data.canonicalize().map_err(|cause| io_error(&options.data, cause))?;
    is_ours(&data)?;
    let lock = lock(&data)?;
    postgres::let_pass(&data, ACCOUNT)?;
    let addresses = ports.check()?;
    keep_mode(&data, options.mode)?;
    let folders = PerCloud::from_fn(|cloud| data.join(cloud.name()));
    let mut keys = Vec::new();
    for cloud in Cloud::ALL {
        let folder = folders.get(cloud);
        make_folder(folder)?;
        is_ours(folder)?;
        keys.push(CloudKeys::load_or_make(&folder.join("keys"), None)?);
    }
    let secret = random_secret()?;
    let urls = ports.urls();
    let sockets = Sockets::open(&data.join("links.json"))
        .map_err(|cause| io_error(&data.join("links.json"), cause))?;
    let witness = (options.mode == Mode::Witness).then(|| data.join("witness"));
    let witness = witness.map(|folder| witness_of(&folder, &ports, &keys)).transpose()?;
    let authority = Authority::prepare(data.join("authority"));
    let chains = chains_of(options, &data, &ports)?;
    let stamps = authority.as_ref().map(|authority| stamps_table(&ports, authority));
    for cloud in Cloud::ALL {
        let peers = cloud.peers().map(|peer| {
            let link_url = sockets.url(cloud, peer);
            peer_table(peer, urls.get(peer), Some(&link_url), &keys[peer.index()])
        });
        let head = head(cloud, options, &ports, &addresses, &secret);
        let fourth = witness.as_ref().map(|(_, key)| witness_table(&ports, *key));
        let path = folders.get(cloud).join("ternion.toml");
        let stamps = stamps.clone().unwrap_or_default();
        let routing = fabric_table(&ports, &addresses);
        let tables =
            [routing, peers.concat(), fourth.unwrap_or_default(), stamps, chains.tables(cloud)];
        write_private(&path, &format!("{head}{}", tables.concat()))
            .map_err(|cause| io_error(&path, cause))?;
    }
    let witness = witness.map(|(config, _)| config);
    let lab_port = ports.lab();
    let addresses = PerCloud::from_fn(|cloud| ports.http(cloud));
    let place = Place {
        data,
        folders,
        addresses,
        urls,
        lab_port,
        lab_secret: secret,
        witness,
        authority,
        chains,
        _lock: lock,
    };
    Ok((place, sockets))
}

/// Passable for Postgres's account; what is private has its own mode.
fn make_folder(folder: &Path) -> Result<(), DemoError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o711);
    builder.create(folder).map_err(|cause| io_error(folder, cause))
}

/// Whoever owns a folder decides what stands in it, links among it: root, of all accounts, must not
/// write there.
fn is_ours(folder: &Path) -> Result<(), DemoError> {
    let metadata = fs::symlink_metadata(folder).map_err(|cause| io_error(folder, cause))?;
    if metadata.is_dir() && metadata.uid() == nix::unistd::geteuid().as_raw() {
        return Ok(());
    }
    Err(DemoError::Foreign { folder: folder.to_owned(), owner: metadata.uid() })
}

fn lock(data: &Path) -> Result<Flock<File>, DemoError> {
    let path = data.join("lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.custom_flags(OFlag::O_NOFOLLOW.bits()).open(&path);
    let file = file.map_err(|cause| io_error(&path, cause))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        nix::errno::Errno::EWOULDBLOCK => DemoError::Locked(data.to_owned()),
        other => io_error(&path, other.into()),
    })
}

fn random_secret() -> Result<Secret, DemoError> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(DemoError::Randomness)?;
    Ok(Secret::new(hex::encode(bytes)))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // A file of an earlier run may have another mode: it is replaced, not rewritten.
    let unfinished = path.with_extension("toml.new");
    let _ = fs::remove_file(&unfinished);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    fs::rename(&unfinished, path)
}

/// The ports of the three clouds and the fault lab.
struct Ports {
    base: u16,
    dns_base: u16,
    with_witness: bool,
}

impl Ports {
    fn of(options: &Options) -> Result<Self, DemoError> {
        let room = |base: u16, above| base > 0 && base.checked_add(above).is_some();
        if !room(options.port_base, LAB_PORT_OFFSET) {
            return Err(DemoError::PortRange(options.port_base));
        }
        if !room(options.dns_port_base, 2) {
            return Err(DemoError::PortRange(options.dns_port_base));
        }
        let with_witness = options.mode == Mode::Witness;
        Ok(Ports { base: options.port_base, dns_base: options.dns_port_base, with_witness })
    }

    fn witness(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.base + WITNESS_PORT_OFFSET))
    }

    fn chains(&self) -> [SocketAddr; 2] {
        CHAIN_PORT_OFFSETS.map(|offset| SocketAddr::from((Ipv4Addr::LOCALHOST, self.base + offset)))
    }

    const fn lab(&self) -> u16 {
        self.base + LAB_PORT_OFFSET
    }

    fn http(&self, cloud: Cloud) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.base + offset(cloud)))
    }

    /// An address of its own for each cloud, at one port, so that a DNS answer can name it.
    fn named(&self, cloud: Cloud) -> SocketAddr {
        let last: u8 = [11, 12, 13][cloud.index()];
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), self.base)
    }

    fn dns(&self, cloud: Cloud) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.dns_base + offset(cloud)))
    }

    fn urls(&self) -> PerCloud<String> {
        PerCloud::from_fn(|cloud| format!("http://{}", self.http(cloud)))
    }

    /// Tries every address. Systems other than Linux have only 127.0.0.1: there the clouds do
    /// without addresses of their own.
    fn check(&self) -> Result<PerCloud<Vec<SocketAddr>>, DemoError> {
        free(SocketAddr::from((Ipv4Addr::LOCALHOST, self.lab())))?;
        if self.with_witness {
            free(self.witness())?;
        }
        let mut addresses = PerCloud::default();
        for cloud in Cloud::ALL {
            let list: &mut Vec<SocketAddr> = addresses.get_mut(cloud);
            free(self.http(cloud))?;
            list.push(self.http(cloud));
            match free(self.named(cloud)) {
                Err(DemoError::PortTaken { cause, at })
                    if cause.kind() == io::ErrorKind::AddrNotAvailable =>
                {
                    tracing::warn!("{at} does not exist on this system; {cloud} does without it");
                }
                other => {
                    other?;
                    list.push(self.named(cloud));
                }
            }
        }
        Ok(addresses)
    }
}

fn offset(cloud: Cloud) -> u16 {
    [0, 1, 2][cloud.index()]
}

fn free(at: SocketAddr) -> Result<(), DemoError> {
    TcpListener::bind(at).map(drop).map_err(|cause| DemoError::PortTaken { at, cause })
}

const fn region_name(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Gcp => "us-central1",
        Cloud::Aws => "us-east-1",
        Cloud::Azure => "westeurope",
    }
}

/// Where a cloud of the demonstration pretends to be.
pub(super) fn region(cloud: Cloud) -> Result<Region, FieldError> {
    Region::try_from(region_name(cloud).to_owned())
}

fn head(
    cloud: Cloud,
    options: &Options,
    ports: &Ports,
    addresses: &PerCloud<Vec<SocketAddr>>,
    secret: &Secret,
) -> String {
    let listen: Vec<String> =
        addresses.get(cloud).iter().map(|address| format!("\"{address}\"")).collect();
    format!(
        "# Written by `ternion demo` at every start.\n\
         deployment = \"{DEPLOYMENT}\"\ncloud = \"{cloud}\"\nregion = \"{region}\"\n\
         listen = [{listen}]\ndns_listen = [\"{dns}\"]\nurl = \"http://{http}\"\ndata = \".\"\n\
         mode = \"{mode}\"\ndemonstration = true\nstory = {story}\n\
         lab_url = \"http://127.0.0.1:{lab}\"\nlab_secret = \"{secret}\"\n\n\
         [postgres]\naccount = \"{ACCOUNT}\"\n",
        region = region_name(cloud),
        listen = listen.join(", "),
        dns = ports.dns(cloud),
        http = ports.http(cloud),
        mode = options.mode,
        story = options.story,
        lab = ports.lab(),
        secret = secret.expose(),
    )
}

fn peer_table(cloud: Cloud, url: &str, link_url: Option<&str>, keys: &CloudKeys) -> String {
    let public = keys.public();
    let link = link_url.map(|link| format!("link_url = \"{link}\"\n")).unwrap_or_default();
    format!(
        "\n[peers.{cloud}]\nurl = \"{url}\"\n{link}region = \"{}\"\n\
         log_key = \"{}\"\ncosigner_key = \"{}\"\ntransport_key = \"{}\"\n",
        region_name(cloud),
        text::of(public.log),
        text::of(public.cosigner),
        text::of(public.transport),
    )
}

/// Requests a second that each cloud of the demonstration could take.
const fn capacity(cloud: Cloud) -> u32 {
    match cloud {
        Cloud::Gcp => 500,
        Cloud::Aws => 800,
        Cloud::Azure => 700,
    }
}

/// Clients reach each cloud at an address of its own, where the system has it.
fn fabric_table(ports: &Ports, addresses: &PerCloud<Vec<SocketAddr>>) -> String {
    let endpoint = |cloud: Cloud| {
        let listens = addresses.get(cloud);
        let named = listens.iter().find(|at| **at == ports.named(cloud));
        let at = *named.unwrap_or(&ports.http(cloud));
        let capacity = capacity(cloud);
        format!(
            "\n[fabric.{cloud}]\naddresses = [\"{}\"]\nurl = \"http://{at}\"\ncapacity = {capacity}\n",
            at.ip()
        )
    };
    let quoted = |texts: &[&str]| {
        texts.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", ")
    };
    let (networks, demand) = (quoted(&NETWORKS), quoted(&DEMAND));
    let head =
        format!("\n[fabric]\nname = \"{SERVICE}\"\nnetworks = [{networks}]\ndemand = [{demand}]\n");
    head + &Cloud::ALL.map(endpoint).concat()
}

fn stamps_table(ports: &Ports, authority: &Authority) -> String {
    format!(
        "\n[anchor.timestamp_authority]\nurl = \"http://127.0.0.1:{}{}\"\nca_file = \"{}\"\n",
        ports.lab(),
        authority::PATH,
        authority.root().display()
    )
}

/// A folder keeps the mode that it began with.
fn keep_mode(data: &Path, mode: Mode) -> Result<(), DemoError> {
    let path = data.join("mode");
    match fs::read_to_string(&path) {
        Ok(kept) if kept == mode.name() => Ok(()),
        Ok(kept) => Err(DemoError::Mode { folder: data.to_owned(), kept }),
        // Folders of before there was a choice have none.
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            let began = data.join(Cloud::Gcp.name()).exists();
            if began && mode != Mode::default() {
                let kept = Mode::default().name().to_owned();
                return Err(DemoError::Mode { folder: data.to_owned(), kept });
            }
            write_private(&path, mode.name()).map_err(|cause| io_error(&path, cause))
        }
        Err(cause) => Err(io_error(&path, cause)),
    }
}

fn chains_of(options: &Options, data: &Path, ports: &Ports) -> Result<Chains, DemoError> {
    if !options.chains {
        return Ok(Chains::none());
    }
    let folder = data.join("chains");
    make_folder(&folder)?;
    let chains = Chains::prepare(&folder, ports.chains());
    let chains = chains.map_err(|cause| io_error(&folder, cause))?;
    chains.addresses().try_for_each(soon_free)?;
    Ok(chains)
}

/// A node of an earlier run, whose supervisor was killed, writes its chain down for a while.
fn soon_free(at: SocketAddr) -> Result<(), DemoError> {
    let until = Instant::now() + NODE_STOP_MAX;
    loop {
        match free(at) {
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(250)),
            other => return other,
        }
    }
}

/// The witness's configuration, written anew, and its key.
fn witness_of(
    folder: &Path,
    ports: &Ports,
    keys: &[CloudKeys],
) -> Result<(PathBuf, PublicKey), DemoError> {
    make_folder(folder)?;
    is_ours(folder)?;
    let urls = ports.urls();
    let tables =
        Cloud::ALL.map(|cloud| peer_table(cloud, urls.get(cloud), None, &keys[cloud.index()]));
    let text = format!(
        "# Written by `ternion demo` at every start.\ndeployment = \"{DEPLOYMENT}\"\n\
         listen = \"{}\"\ndata = \".\"\n{}",
        ports.witness(),
        tables.concat()
    );
    let path = folder.join("witness.toml");
    write_private(&path, &text).map_err(|cause| io_error(&path, cause))?;
    let key = witness::public_key(&WitnessConfig::load(&path)?)?;
    Ok((path, key))
}

fn witness_table(ports: &Ports, key: PublicKey) -> String {
    format!("\n[witness]\nurl = \"http://{}\"\nkey = \"{}\"\n", ports.witness(), text::of(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_the_mode_that_it_began_with() {
        let data = std::env::temp_dir().join(format!("ternion-mode-{}", uuid::Uuid::now_v7()));
        make_folder(&data).expect("a folder");
        assert!(keep_mode(&data, Mode::Witness).is_ok());
        assert!(keep_mode(&data, Mode::Witness).is_ok());
        let other = keep_mode(&data, Mode::TwoOfThree);
        assert!(matches!(other, Err(DemoError::Mode { kept, .. }) if kept == "witness"));
        // One of a version without a choice.
        fs::remove_file(data.join("mode")).expect("removed");
        make_folder(&data.join("gcp")).expect("a folder");
        assert!(matches!(keep_mode(&data, Mode::Unanimous), Err(DemoError::Mode { .. })));
        assert!(keep_mode(&data, Mode::TwoOfThree).is_ok());
        fs::remove_dir_all(&data).expect("removed");
    }
}
