(ns shop.db
  "Orders in a database, and the function that docs/read-only.md recommends."
  (:import (java.sql Connection DriverManager)))

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
