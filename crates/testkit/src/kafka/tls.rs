//! Certificates for secured listeners: an authority, a server for `localhost`, a client.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::ensure;

/// PEM files in the cluster's folder.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate.
    pub ca: PathBuf,
    /// The client's certificate.
    pub client: PathBuf,
    /// The client's key.
    pub client_key: PathBuf,
    /// The server's key and certificates.
    pub(super) server: PathBuf,
}

impl Certificates {
    pub(super) fn make(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let file = |name: &str| folder.join(name);
        let key = ["-newkey", "rsa:2048", "-nodes", "-days", "2"];
        openssl(folder, &[&["req", "-x509"], &key[..], &["-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem"]].concat())?;
        for name in ["server", "client"] {
            let (subject, keys, out) = (format!("/CN={name}"), format!("{name}.key"), format!("{name}.crt"));
            let signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost"];
            let named = ["-subj", &subject, "-keyout", &keys, "-out", &out];
            openssl(folder, &[&["req", "-x509"], &key[..], &signed, &named].concat())?;
        }
        let parts =
            [file("server.key"), file("server.crt"), file("ca.pem")].iter().map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
        std::fs::write(file("server.pem"), parts.concat())?;
        Ok(Self { ca: file("ca.pem"), client: file("client.crt"), client_key: file("client.key"), server: file("server.pem") })
    }
}

fn openssl(folder: &Path, args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("openssl").current_dir(folder).args(args).output()?;
    ensure!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
