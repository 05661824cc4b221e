//! Brokers that want to know who asks.

use footfall_log::{
    EventLog,
    kafka::{KafkaLogOptions, KafkaSasl, KafkaSecurity, KafkaTls, SaslMechanism},
};
use footfall_testkit::kafka::{PASSWORD, USER};

use crate::{common, numbered, open, read_all};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signs_in_over_tls() {
    let kafka = common::secured_kafka();
    let files = kafka.certificates().unwrap().clone();
    let tls = KafkaTls { ca: Some(files.ca.clone()), cert: None, key: None };
    let sasl = |mechanism, password: &str| KafkaSasl { mechanism, user: USER.into(), password: password.into() };
    let with = |brokers: String, tls: &KafkaTls, sasl: Option<KafkaSasl>| KafkaLogOptions {
        brokers,
        security: KafkaSecurity { tls: Some(tls.clone()), sasl },
        ..common::kafka_options(kafka, &common::topic())
    };
    let certified = KafkaTls { cert: Some(files.client), key: Some(files.client_key), ..tls.clone() };
    for options in [
        with(kafka.sasl_bootstrap(), &tls, Some(sasl(SaslMechanism::Plain, PASSWORD))),
        with(kafka.sasl_bootstrap(), &tls, Some(sasl(SaslMechanism::ScramSha256, PASSWORD))),
        with(kafka.tls_bootstrap(), &certified, None),
    ] {
        let log = open(options).await;
        log.append(vec![numbered(1, 1)]).await[0].as_ref().unwrap();
        assert_eq!(read_all(&log, 1).await[&0].len(), 1);
    }
    let refused = with(kafka.sasl_bootstrap(), &tls, Some(sasl(SaslMechanism::ScramSha256, "wrong")));
    assert!(!format!("{refused:?}").contains("wrong"), "passwords are not printed");
    let log = open(refused).await;
    assert!(log.append(vec![numbered(1, 1)]).await[0].is_err());
    let status = log.status().await;
    assert!(!status.accepting && status.fault.is_some());
}
