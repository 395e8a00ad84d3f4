(ns shop.db
  "Orders in a database, and the functions that docs/read-only.md and docs/query.md recommend."
  (:refer-clojure :exclude [read])
  (:import (java.sql Connection DriverManager PreparedStatement ResultSet)))

(def ^:private place (System/getProperty "shop.db"))
(def ^:private ^:dynamic *connection* nil)

(defn connect
  "A new connection as this role of the database."
  ^Connection [role]
  (DriverManager/getConnection (str "jdbc:postgresql://" place "/postgres?user=" role)))

(defn read-only
  "Calls ask; what goes through this namespace meanwhile is done by a role that may only read."
  [ask]
  (with-open [connection (connect "reader")]
    (binding [*connection* connection]
      (ask))))

(defn- connected [work]
  (if *connection*
    (work *connection*)
    (with-open [connection (connect "owner")]
      (work connection))))

(defn order!
  "Writes an order."
  [id]
  (connected (fn [^Connection connection]
               (with-open [statement (.prepareStatement connection "insert into orders values (?)")]
                 (.setLong statement 1 id)
                 (.executeUpdate statement)))))

(defn orders
  "How many orders there are."
  []
  (connected (fn [^Connection connection]
               (with-open [statement (.createStatement connection)
                           found (.executeQuery statement "select count(*) from orders")]
                 (.next found)
                 (.getLong found 1)))))

(defn prepare!
  "Makes an empty table, and the role that may only read it."
  []
  (connected (fn [^Connection connection]
               (with-open [statement (.createStatement connection)]
                 (.execute statement "create table orders (id bigint primary key);
                                      create role reader login;
                                      grant select on orders to reader")))))

(defn- table [^ResultSet found bytes]
  (let [heads (.getMetaData found)
        columns (range 1 (inc (.getColumnCount heads)))]
    (loop [rows [], left bytes]
      (let [row (when (.next found) (mapv #(.getObject found (int %)) columns))
            left (- left (count (pr-str row)) 1)]
        (if (and row (nat-int? left))
          (recur (conj rows row) left)
          {:columns (mapv #(.getColumnLabel heads %) columns), :rows rows, :cut (some? row)})))))

(defn read
  "What one statement of SQL answers: at most so many rows, and so many bytes of them as printed."
  [sql args rows bytes]
  (connected (fn [^Connection connection]
               (with-open [statement ^PreparedStatement (.prepareStatement connection sql)]
                 (.setMaxRows statement rows)
                 (doseq [[place arg] (map-indexed vector args)]
                   (.setObject statement (inc place) arg))
                 (if (.execute statement)
                   (with-open [found (.getResultSet statement)] (table found bytes))
                   {:columns ["updated"] :rows [[(.getUpdateCount statement)]]})))))
