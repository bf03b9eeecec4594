//! A way to a node that can be shut: connections are refused until it is opened again.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

pub struct Gate {
    address: SocketAddr,
    to: String,
    open: Option<JoinSet<()>>,
}

impl Gate {
    /// Open, to an address such as `http://127.0.0.1:8545`.
    pub async fn to(url: &str) -> Self {
        let to = url.strip_prefix("http://").expect("plain").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let mut gate = Gate { address, to, open: None };
        gate.serve(listener);
        gate
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn serve(&mut self, listener: TcpListener) {
        let (mut tasks, to) = (JoinSet::new(), self.to.clone());
        tasks.spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                let to = to.clone();
                passing.spawn(async move {
                    if let Ok(mut node) = TcpStream::connect(to).await {
                        let _ = copy_bidirectional(&mut from, &mut node).await;
                    }
                });
            }
        });
        self.open = Some(tasks);
    }

    pub async fn shut(&mut self) {
        if let Some(mut tasks) = self.open.take() {
            tasks.shutdown().await;
        }
    }

    pub fn open(&mut self) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("the port again");
        socket.bind(self.address).expect("the port again");
        self.serve(socket.listen(64).expect("the port again"));
    }
}
